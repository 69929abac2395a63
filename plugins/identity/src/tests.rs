use super::*;
use proptest::prelude::*;

const ENTROPY: [u8; 32] = [0; 32];

fn new_id(kind: &str, name: &str, entropy: &[u8]) -> Result<String, Refusal> {
    Standard::new_id(&NoSettings {}, kind, name, entropy)
}

#[test]
fn names_become_readable() {
    for (name, expected) in [
        ("Pro", "pro"),
        ("Pro Max", "pro_max"),
        ("pro-max", "pro_max"),
        ("Pro - Max", "pro___max"),
        ("Pro_2", "pro_2"),
        ("C++ & Rust!", "c__rust"),
        ("a\tb\u{a0}c", "a_b_c"),
        ("Стартовый", "startovyi"),
        ("Щука", "shchuka"),
        ("Straße Ünlü", "strasse_unlu"),
        ("e\u{301}te\u{301}", "ete"),
        ("北京", "beijing"),
        ("١٢", "12"),
        ("Go 🚀", "go_"),
        ("100 €", "100_"),
        // Nothing readable is left: the kind stands in.
        ("", "plan"),
        ("🚀!", "plan"),
    ] {
        assert_eq!(new_id("plan", name, &ENTROPY), Ok(format!("{expected}_aaaaaaaa")), "{name}");
    }
}

#[test]
fn long_names_are_cut_and_the_suffix_stays() {
    for (length, expected) in [(118, 127), (119, 128), (120, 128), (10_000, 128)] {
        let id = new_id("plan", &"x".repeat(length), &ENTROPY).unwrap();
        assert_eq!(id.len(), expected);
        assert!(id.ends_with("x_aaaaaaaa"), "{id}");
    }
}

#[test]
fn what_cannot_be_named_is_refused() {
    assert_eq!(new_id("?", "!", &ENTROPY).unwrap_err().code, "nothing_to_name");
    assert_eq!(new_id("plan", "Pro", &[0; 15]).unwrap_err().code, "entropy_too_short");
}

#[test]
fn every_character_of_the_alphabet_comes_about_equally_often() {
    let mut seen = std::collections::BTreeMap::new();
    for draw in 0..4_500_u128 {
        // An odd multiplier spreads the draws over all 128 bits.
        let bytes = draw.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes();
        for c in suffix(&bytes).unwrap().chars() {
            *seen.entry(c).or_insert(0_u32) += 1;
        }
    }
    assert_eq!(seen.len(), 36);
    assert!(seen.values().all(|times| (850..=1150).contains(times)), "{seen:?}");
}

proptest! {
    #[test]
    fn ids_keep_to_their_alphabet_and_length(name in ".{0,300}", entropy: [u8; 32]) {
        let id = new_id("plan", &name, &entropy).unwrap();
        prop_assert!((10..=128).contains(&id.len()), "{id}");
        prop_assert!(id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'), "{id}");
        prop_assert_eq!(new_id("plan", &name, &entropy).unwrap(), id);
    }
}
