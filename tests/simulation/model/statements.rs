//! What users owe: statements as they were written, until they are paid.

use super::super::command::{Money, User};
use super::account::Account;
use super::{Model, No};

/// A statement as it was heard of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Statement {
    pub(super) money: Money,
    pub(super) due: i64,
    is_open: bool,
}

impl Account {
    /// What is to be paid for a statement.
    pub(super) fn owed(&self, no: usize) -> Result<(i64, Money), No> {
        let Statement { money, due, is_open } = self.statements[no];
        if is_open { Ok((due, money)) } else { Err(No::because("nothing_due")) }
    }

    /// Money for a statement comes. Says whether it settles it, or is credit.
    pub(super) fn settle_statement(&mut self, no: usize, amount: i64) -> bool {
        let Statement { money, due, is_open } = self.statements[no];
        self.receive(money, amount);
        if !is_open || due != amount {
            return false;
        }
        self.statements[no].is_open = false;
        self.pay_for_usage(money, due);
        true
    }

    /// Credit pays for what was used.
    fn pay_for_usage(&mut self, money: Money, amount: i64) {
        *self.billed.entry(money).or_default() += amount;
        *self.credit.entry(money).or_default() -= amount;
    }
}

impl Model {
    /// A statement was written: so much credit was used, and so much is due.
    pub(in super::super) fn write(&mut self, user: User, money: Money, used: i64, due: i64) {
        let account = &mut self.accounts[user];
        account.pay_for_usage(money, used);
        account.statements.push(Statement { money, due, is_open: due > 0 });
    }

    /// Which statement of a user is meant: 0 is the last one.
    pub(super) fn statement_no(&self, user: User, nth_last: usize) -> Option<usize> {
        self.accounts[user].statements.len().checked_sub(1 + nth_last)
    }
}
