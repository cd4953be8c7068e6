//! The `port-checker` command as its users run it.

mod activation;
mod book;
mod challenges;
mod dns;
mod documents;
mod help;
mod hosts;
mod https;
mod load;
mod logs;
mod metrics;
mod monitoring;
mod network;
mod notify;
mod openapi;
mod page;
mod program;
mod proxies;
mod python_service;
mod readme;
mod redis;
mod scale_out;
mod settings;
mod signals;
mod unit;
mod verify;
