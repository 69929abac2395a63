//! Who asks: the command line, the configuration, HTTP. And the edge: the real clock and real chance.
#![forbid(unsafe_code)]

mod background;
mod backup;
pub mod cli;
mod clockwork;
pub mod config;
pub mod data_dir;
pub mod edge;
mod errands;
mod http;
mod listener;
mod log;
mod network;
pub mod outbound;
mod plugins;
mod postman;
pub mod server;
pub mod token;
pub mod token_keys;
mod upload_places;
mod yookassa;
