//! What the disk itself takes to keep something: 4 KiB appended and synced, over and over.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// Appends a second.
pub(crate) fn durable_appends(folder: &Path, time: Duration) -> f64 {
    let mut file = std::fs::File::create(folder.join("appended")).unwrap();
    let began = Instant::now();
    let mut count = 0_u32;
    while began.elapsed() < time {
        file.write_all(&[7; 4_096]).unwrap();
        file.sync_data().unwrap();
        count += 1;
    }
    f64::from(count) / began.elapsed().as_secs_f64()
}
