use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};

use super::{Key, KeyBuilder, Part, Space};

fn build(space: &Space, family: &str, parts: &[Part]) -> KeyBuilder {
    parts.iter().fold(Key::in_space(space, family), |key, part| match part {
        Part::Text(text) => key.text(text),
        Part::Number(number) => key.number(*number),
        Part::NewestFirst(number) => key.newest_first(*number),
    })
}

/// How the documentation says that parts sort: by kind, then text by its bytes, numbers up, newest down.
fn order(part: &Part) -> (u8, &[u8], u64) {
    match part {
        Part::Text(text) => (0, text.as_bytes(), 0),
        Part::Number(number) => (1, &[], *number),
        Part::NewestFirst(number) => (2, &[], !*number),
    }
}

/// Short texts of few characters, so that they often begin alike; zeros and the longest UTF-8 among them.
fn texts() -> impl Strategy<Value = String> {
    let character =
        prop_oneof![Just('\0'), Just('\u{1}'), Just('a'), Just('b'), Just('ü'), Just('\u{10ffff}')];
    vec(character, 0..4).prop_map(|characters| characters.into_iter().collect())
}

fn spaces() -> impl Strategy<Value = Space> {
    prop_oneof![Just(Space::Host), texts().prop_map(Space::Tenant)]
}

fn parts() -> impl Strategy<Value = Vec<Part>> {
    let part = prop_oneof![
        texts().prop_map(Part::Text),
        prop_oneof![any::<u64>(), 0..3_u64].prop_map(Part::Number),
        prop_oneof![any::<u64>(), 0..3_u64].prop_map(Part::NewestFirst),
    ];
    vec(part, 0..4)
}

fn tuples() -> impl Strategy<Value = (Space, String, Vec<Part>)> {
    (spaces(), texts(), parts())
}

proptest! {
    #[test]
    fn keys_sort_as_their_parts_do(a in tuples(), b in tuples()) {
        let key = |(space, family, parts): &(Space, String, Vec<Part>)| build(space, family, parts).key();
        let by_parts = a.0.cmp(&b.0)
            .then_with(|| a.1.cmp(&b.1))
            .then_with(|| a.2.iter().map(order).cmp(b.2.iter().map(order)));
        assert_eq!(key(&a).cmp(&key(&b)), by_parts);
    }

    #[test]
    fn a_key_gives_back_what_it_was_made_of((space, family, parts) in tuples()) {
        let key = build(&space, &family, &parts).key();
        assert_eq!((key.space(), key.family(), key.parts()), (space, family, parts));
        assert_eq!(Key::from_bytes(key.as_bytes()), Some(key));
    }

    #[test]
    fn a_prefix_holds_the_keys_that_begin_with_its_parts_and_no_others(a in tuples(), b in tuples()) {
        let prefix = build(&a.0, &a.1, &a.2).prefix();
        let key = build(&b.0, &b.1, &b.2).key();
        let begins = a.0 == b.0 && a.1 == b.1 && b.2.starts_with(&a.2);
        assert_eq!(prefix.contains(&key), begins);
        let bytes = key.as_bytes();
        assert_eq!(prefix.first() <= bytes && bytes < prefix.end().as_slice(), begins);
    }

    #[test]
    fn bytes_that_no_builder_made_are_no_key(bytes in vec(prop_oneof![
        Just(0), Just(1), Just(2), Just(0x10), Just(0x20), Just(0xff), any::<u8>()
    ], 0..30)) {
        if let Some(key) = Key::from_bytes(&bytes) {
            let again = build(&key.space(), &key.family(), &key.parts()).key();
            assert_eq!(again.as_bytes(), bytes);
        }
    }
}

#[test]
fn a_key_reads_well_in_a_log() {
    let tenant = Space::Tenant("acme".to_owned());
    for (key, shown) in [
        (Key::in_space(&Space::Host, "tenant").text("acme").key(), "host: tenant/acme"),
        (Key::in_space(&tenant, "plan").key(), "tenant acme: plan"),
        (
            Key::in_space(&tenant, "due").number(7).newest_first(42).text("a\nb").key(),
            r"tenant acme: due/7/~42/a\nb",
        ),
    ] {
        assert_eq!(key.to_string(), shown);
        assert_eq!(format!("{key:?}"), format!("Key({shown})"));
    }
}
