//! Tests of Planwright from outside its crates. One binary, so that it is linked once.

mod api;
mod backup;
mod check;
mod circles;
mod command_line;
mod components;
mod config_as_code;
mod crash;
mod harness;
mod init_plans;
mod payments;
mod plugins;
mod provider;
mod readme;
mod remote_commands;
mod rooms;
mod simulation;
mod statements;
mod store;
mod usage;
mod webhooks;
mod worker;
