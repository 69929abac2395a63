//! Tests of Planwright from outside its crates. One binary, so that it is linked once.

mod store;
