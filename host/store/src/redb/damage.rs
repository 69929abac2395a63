//! Damaged bytes: redb trusts what it reads of a page further than a bad disk deserves, and panics.
//!
//! A panic is caught here, where the file is read and written, and is [`StoreError::Corrupt`] from then on. A read
//! changes nothing but what redb remembers of pages, so the next one may be as good as ever; after a write that broke
//! off the committer opens the file anew, as after any failure. Nothing is said on standard error: whoever asked is
//! told, and says it.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use crate::StoreError;
use crate::layout::corrupt;

thread_local! {
    /// Whether a panic of this thread is caught here.
    static CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Does what may come upon damaged bytes.
pub(super) fn caught<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let before = CAUGHT.replace(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    CAUGHT.set(before);
    done.unwrap_or_else(|panic| {
        let said = message(panic.as_ref());
        Err(corrupt(&format!("redb cannot read it ({said})")))
    })
}

/// Keeps quiet about panics that are caught here, and leaves all others to whoever told of them before.
pub(super) fn keep_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !CAUGHT.get() {
                usual(panic);
            }
        }));
    });
}

/// What a panic said, in one line.
fn message(panic: &(dyn Any + Send)) -> &str {
    let said = panic.downcast_ref::<String>().map(String::as_str);
    let said =
        said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it does not say why");
    said.lines().next().unwrap_or(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_first_line_and_the_next_work_is_done() {
        keep_quiet();
        let broken = caught(|| -> Result<(), _> { panic::panic_any("left: 1\nright: 2") });
        let told = broken.unwrap_err().to_string();
        assert!(told.contains("redb cannot read it") && told.ends_with("(left: 1)"), "{told}");
        assert_eq!(caught(|| Ok(7)).unwrap(), 7);
        assert!(!CAUGHT.get(), "others' panics are told again");
    }
}
