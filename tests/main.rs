//! Every test of the house from outside, in one binary.

mod plugins;
