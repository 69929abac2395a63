//! What refusals are about.

/// What a refusal is about; a transport gives each its own status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// No good credentials, or too little right.
    Forbidden,
    /// There is no such thing.
    Missing,
    /// The key of the request, or of what it tells of, stands for another one.
    KeyReused,
    /// What was sent was read and understood, and cannot be what it is sent as.
    Unfit,
    /// What is there is in the way.
    Conflict,
    /// Something has to be paid first.
    PaymentRequired,
    /// It was done too often; it helps to come again later.
    TooMuch,
    /// What the request rests on has changed.
    Stale,
    /// The request is wrong, or what is asked may not be.
    Invalid,
}
