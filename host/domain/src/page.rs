//! Pages of long lists: `page` from 1, `page_size` 1 to 100.

use serde::Serialize;
use utoipa::ToSchema;

use crate::refusal::{FieldError, Refusal};

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    page: usize,
    page_size: usize,
}

impl PageRequest {
    /// The size of a page when none is asked for.
    pub const DEFAULT_SIZE: usize = 20;
    /// The largest page.
    pub const LARGEST: usize = 100;

    /// # Errors
    /// Names `page` or `page_size` if it is out of range.
    pub fn new(page: Option<usize>, page_size: Option<usize>) -> Result<Self, Refusal> {
        Self::named(page, page_size, "page_size")
    }

    /// The same where the size of a page is called `per_page`, as in the second document.
    ///
    /// # Errors
    /// Names `page` or `per_page` if it is out of range.
    pub fn per_page(page: Option<usize>, per_page: Option<usize>) -> Result<Self, Refusal> {
        Self::named(page, per_page, "per_page")
    }

    fn named(
        page: Option<usize>,
        page_size: Option<usize>,
        size_is_called: &str,
    ) -> Result<Self, Refusal> {
        let page = page.unwrap_or(1);
        let page_size = page_size.unwrap_or(Self::DEFAULT_SIZE);
        if page == 0 {
            let error = FieldError::new("page", "out_of_range", "page starts at 1.");
            return Err(Refusal::Invalid(vec![error]));
        }
        if page_size == 0 || page_size > Self::LARGEST {
            let message = format!("{size_is_called} must be between 1 and {}.", Self::LARGEST);
            let error = FieldError::new(size_is_called, "out_of_range", &message);
            return Err(Refusal::Invalid(vec![error]));
        }
        Ok(Self { page, page_size })
    }

    /// How many items come before the page.
    #[must_use]
    pub fn skip(self) -> usize {
        (self.page - 1).saturating_mul(self.page_size)
    }

    /// How many items the page holds at most.
    #[must_use]
    pub fn size(self) -> usize {
        self.page_size
    }

    /// The page of a list that is all there.
    #[must_use]
    pub fn of<T>(self, all: Vec<T>) -> Page<T> {
        let total = u64::try_from(all.len()).unwrap_or(u64::MAX);
        let items = all.into_iter().skip(self.skip()).take(self.page_size).collect();
        self.answer(items, total)
    }

    /// The answer: the page's items and how many there are in all.
    #[must_use]
    pub fn answer<T>(self, items: Vec<T>, total: u64) -> Page<T> {
        let size = u64::try_from(self.page_size).unwrap_or(u64::MAX);
        let total_pages = total.div_ceil(size);
        Page { items, total, page: self.page, page_size: self.page_size, total_pages }
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Page<T> {
    /// What the page holds.
    pub items: Vec<T>,
    /// How many items all pages hold.
    pub total: u64,
    /// Which page this is, from 1.
    pub page: usize,
    /// How many items a full page holds.
    pub page_size: usize,
    /// How many pages there are; 0 if there is nothing.
    pub total_pages: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_from_1_and_its_size_from_1_to_100() {
        let cases = [
            (None, None, Ok((0, 20))),
            (Some(1), Some(1), Ok((0, 1))),
            (Some(3), Some(100), Ok((200, 100))),
            (Some(0), None, Err("page")),
            (None, Some(0), Err("page_size")),
            (None, Some(101), Err("page_size")),
            (Some(usize::MAX), Some(100), Ok((usize::MAX, 100))),
        ];
        for (page, size, expected) in cases {
            match (PageRequest::new(page, size), expected) {
                (Ok(request), Ok(expected)) => {
                    assert_eq!((request.skip(), request.size()), expected);
                }
                (Err(Refusal::Invalid(errors)), Err(field)) => assert_eq!(errors[0].field, field),
                (other, _) => panic!("{page:?} {size:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn total_pages_rounds_up() {
        let request = PageRequest::new(None, Some(10)).unwrap();
        for (total, pages) in [(0, 0), (1, 1), (10, 1), (11, 2)] {
            assert_eq!(request.answer(Vec::<u8>::new(), total).total_pages, pages);
        }
    }

    #[test]
    fn a_page_of_a_whole_list_is_cut_out_of_it() {
        for (page, size, items) in
            [(1, 2, vec![1, 2]), (2, 2, vec![3]), (3, 2, vec![]), (1, 9, vec![1, 2, 3])]
        {
            let cut = PageRequest::new(Some(page), Some(size)).unwrap().of(vec![1, 2, 3]);
            assert_eq!((cut.items, cut.total), (items, 3), "{page} {size}");
        }
    }
}
