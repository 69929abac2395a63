//! Tests of Planwright from outside its crates. One binary, so that it is linked once.

mod api;
mod backup;
mod check;
mod command_line;
mod components;
mod crash;
mod harness;
mod init_plans;
mod plugins;
mod readme;
mod remote_commands;
mod rooms;
mod store;
mod worker;
