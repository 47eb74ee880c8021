//! Vector spaces: which model made a vector, and whether a vector may enter.

use crate::error::{Error, Result};
use std::sync::Arc;

/// Letters of a model's name that are kept in the names of files and collections.
const SLUG_CHARS_MAX: usize = 48;

/// The vectors of one embedding model. Files and collections are named by it, so that the next
/// model's index is built beside the present one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VectorSpace {
    /// The embedding model, with whatever tells its versions apart.
    pub model_id: String,
    /// Values of each vector.
    pub dimensions: usize,
}

impl VectorSpace {
    /// A name for files and collections: readable, and different for different spaces.
    pub(crate) fn slug(&self) -> String {
        let readable: String = self
            .model_id
            .chars()
            .take(SLUG_CHARS_MAX)
            .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' })
            .collect();
        let hash = crc32fast::hash(self.model_id.as_bytes());
        format!("{readable}-{hash:08x}-{}", self.dimensions)
    }

    /// The vector at unit length.
    pub(crate) fn unit(&self, values: &[f32]) -> Result<Vec<f32>> {
        if values.len() != self.dimensions {
            return Err(Error::Dimensions {
                model_id: self.model_id.clone(),
                expected: self.dimensions,
                found: values.len(),
            });
        }
        let unusable = |problem| Error::UnusableVector { model_id: self.model_id.clone(), problem };
        if values.iter().any(|value| !value.is_finite()) {
            return Err(unusable("holds NaN or an infinity"));
        }
        let length = values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        if length < f64::from(f32::MIN_POSITIVE) {
            return Err(unusable("holds only zeros"));
        }
        #[expect(clippy::cast_possible_truncation, reason = "unit vectors are stored as f32")]
        Ok(values.iter().map(|value| (f64::from(*value) / length) as f32).collect())
    }
}

/// The vector of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryVector {
    /// The space to search.
    pub space: VectorSpace,
    /// `space.dimensions` values; any length but zero.
    pub values: Arc<[f32]>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn space(model_id: &str, dimensions: usize) -> VectorSpace {
        VectorSpace { model_id: model_id.to_owned(), dimensions }
    }

    #[test]
    fn different_spaces_have_different_names() {
        assert_ne!(space("a/b", 3).slug(), space("a-b", 3).slug());
        assert_ne!(space("a", 3).slug(), space("a", 4).slug());
        assert!(space("ünï/../x", 3).slug().chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-'));
    }

    #[test]
    fn only_finite_vectors_of_the_right_length_that_point_somewhere_may_enter() {
        let space = space("mini", 2);
        assert_eq!(space.unit(&[3.0, 4.0]).unwrap(), [0.6, 0.8]);
        assert!(space.unit(&[1.0]).unwrap_err().to_string().contains("frontdesk reindex"));
        for bad in [[f32::NAN, 1.0], [f32::INFINITY, 1.0], [0.0, 0.0]] {
            assert!(matches!(space.unit(&bad), Err(Error::UnusableVector { .. })), "{bad:?}");
        }
    }
}
