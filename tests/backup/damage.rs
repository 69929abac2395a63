//! A backup that is not as it was written is refused before anything is.

use std::fs;

use super::Place;

/// Refused, with a sentence that has one of these parts; and nothing is made.
#[track_caller]
fn assert_refused(place: &Place, bytes: &[u8], parts: &[&str], case: &str) {
    fs::write(place.path("bad"), bytes).unwrap();
    let said = place.refused("restore bad --data-dir new");
    assert!(parts.iter().any(|part| said.contains(part)), "{case}: {said}");
    assert!(!place.path("new").exists(), "{case}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_anywhere_and_an_edit_anywhere_are_refused() {
    let place = Place::with_data().await;
    place.json("backup b --data-dir data");
    let whole = fs::read(place.path("b")).unwrap();
    let all = ["is damaged", "is not a Planwright backup", "this release knows no newer one"];
    let mut chance = fastrand::Rng::with_seed(5);
    let ends = [0, 17, 18, 21, 22, 23, 54, whole.len() - 33, whole.len() - 32, whole.len() - 1];
    for end in ends.into_iter().chain((0..10).map(|_| chance.usize(55..whole.len()))) {
        assert_refused(&place, &whole[..end], &all, &format!("cut at {end}"));
    }
    let places = [0, 17, 18, 21, 22, 24, whole.len() - 33, whole.len() - 32, whole.len() - 1];
    let anywhere: Vec<usize> = (0..30).map(|_| chance.usize(0..whole.len())).collect();
    for at in places.into_iter().chain(anywhere) {
        let mut edited = whole.clone();
        edited[at] ^= 1 << chance.u8(0..8);
        assert_refused(&place, &edited, &all, &format!("edit at {at} of {}", whole.len()));
    }
    let twice = [&whole[..], &whole[..]].concat();
    assert_refused(&place, &twice, &["is damaged"], "twice");
    assert_refused(&place, &[&whole[..], b"\n"].concat(), &["is damaged"], "a line feed more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_a_newer_format_is_refused_by_name() {
    let place = Place::with_data().await;
    place.json("backup b --data-dir data");
    let mut newer = fs::read(place.path("b")).unwrap();
    newer[18..22].copy_from_slice(&7_u32.to_be_bytes());
    // Its checksum is not ours to know.
    assert_refused(
        &place,
        &newer,
        &["backup format 7, and this release knows no newer one than 1"],
        "7",
    );
}
