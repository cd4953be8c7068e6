//! Plots as SVG.

use std::path::Path;

use anyhow::anyhow;
use plotters::prelude::*;

/// One line in a plot, and the names of its axes.
pub(crate) struct Line<'a> {
    pub(crate) across: &'a str,
    pub(crate) up: &'a str,
    pub(crate) points: Vec<(f64, f64)>,
}

/// Width and height in pixels.
const SIZE: (u32, u32) = (640, 360);

/// The least that is drawn on the upright axis: a logarithm has no zero.
const LEAST: f64 = 0.1;

/// Draws `line` with logarithmic axes.
pub(crate) fn plot(path: &Path, line: &Line<'_>) -> anyhow::Result<()> {
    let failed = |error: &dyn std::fmt::Display| anyhow!("cannot draw {}: {error}", path.display());
    let points: Vec<_> = line.points.iter().map(|&(x, y)| (x, y.max(LEAST))).collect();
    let most = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).fold(LEAST, f64::max) * 1.5;
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE).map_err(|error| failed(&error))?;
    let mut chart = ChartBuilder::on(&area)
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d((1.0..most(|p| p.0)).log_scale(), (LEAST..most(|p| p.1)).log_scale())
        .map_err(|error| failed(&error))?;
    chart
        .configure_mesh()
        .x_desc(line.across)
        .y_desc(line.up)
        .draw()
        .map_err(|error| failed(&error))?;
    let series = LineSeries::new(points.iter().copied(), &BLUE);
    chart.draw_series(series).map_err(|error| failed(&error))?;
    let dots = points.iter().map(|&point| Circle::new(point, 3, BLUE.filled()));
    chart.draw_series(dots).map_err(|error| failed(&error))?;
    area.present().map_err(|error| failed(&error))
}
