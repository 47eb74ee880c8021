//! What kind of failure an error is: the only thing that status codes and retries are decided by.

/// The categories of failure. Exactly two tables read it: HTTP status codes and job outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::Display, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ErrorKind {
    /// The request itself is wrong; sending it again changes nothing.
    Invalid,
    /// No or unknown credentials.
    Unauthenticated,
    /// Known credentials without the right.
    Forbidden,
    /// It does not exist for this organization.
    NotFound,
    /// The state changed in between, or forbids the action.
    Conflict,
    /// Too many requests; later it may work.
    RateLimited,
    /// A dependency cannot be reached or is overloaded; later it may work.
    Unavailable,
    /// A defect or damage on our side.
    Internal,
}

/// An error that knows its kind. Each crate's error enum implements it.
pub trait Kinded: std::error::Error {
    /// The kind of this failure.
    fn kind(&self) -> ErrorKind;
}
