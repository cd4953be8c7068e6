//! The `port-checker` command as its users run it.

mod documents;
mod help;
mod hosts;
mod logs;
mod network;
mod openapi;
mod program;
mod python_service;
mod readme;
mod settings;
mod signals;
mod unit;
