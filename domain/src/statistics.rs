//! Intervals and paired tests by resampling, seeded so that the same numbers give the same answer.

use serde::{Deserialize, Serialize};

/// Resamples behind an interval.
const RESAMPLES: usize = 1_000;
/// Random sign changes behind a p value.
const SIGN_FLIPS: usize = 10_000;
/// The share of resamples that lies below, and above, an interval.
const TAIL: f64 = 0.025;

/// A 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// A stream of numbers that only depends on its seed: splitmix64 (Steele, Lea and Flood 2014).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A stream; equal seeds give equal streams.
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A place below `count`, which is not 0.
    pub fn below(&mut self, count: usize) -> usize {
        let wide = u128::from(self.bits()) * count as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// The places below `count` in a random order (Fisher and Yates).
    pub fn shuffled(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for place in (1..count).rev() {
            let other = self.below(place + 1);
            order.swap(place, other);
        }
        order
    }
}

/// The mean; `None` of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / count(values.len()))
}

/// A count as a number to reckon with.
pub fn count(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// The value below which a share of the sorted values lies, linear between neighbours; `None` of nothing.
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = share.clamp(0.0, 1.0) * count(last);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the list")]
    let below = place.floor() as usize;
    let (low, high) = (sorted.get(below)?, sorted.get((below + 1).min(last))?);
    Some(low + (high - low) * place.fract())
}

/// A 95 % percentile interval (Efron 1979) of any statistic of `items` things. The statistic is given the
/// places of a resample; resamples for which it is undefined do not count. The interval is moved by as much as
/// resamples lie beside the observed value on average, because some statistics, such as the calibration error,
/// grow by resampling; shares stay shares.
pub fn bootstrap(items: usize, seed: u64, statistic: impl Fn(&[usize]) -> Option<f64>) -> Option<Interval> {
    if items == 0 {
        return None;
    }
    let mut random = Random::seeded(seed);
    let mut places = vec![0; items];
    let mut values = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        for place in &mut places {
            *place = random.below(items);
        }
        values.extend(statistic(&places).filter(|value| value.is_finite()));
    }
    values.sort_unstable_by(f64::total_cmp);
    let observed = statistic(&(0..items).collect::<Vec<_>>())?;
    let shift = observed - mean(&values)?;
    // What no resample is below, or above, the interval does not leave either.
    let floor = if values.first().is_some_and(|least| *least >= 0.0) { 0.0 } else { f64::NEG_INFINITY };
    let is_share = floor >= 0.0 && values.last().is_some_and(|most| *most <= 1.0);
    let ceiling = if is_share { 1.0 } else { f64::INFINITY };
    let end = |at: f64| Some((quantile(&values, at)? + shift).clamp(floor, ceiling));
    Some(Interval { low: end(TAIL)?, high: end(1.0 - TAIL)? })
}

/// A 95 % interval of the mean.
pub fn mean_interval(values: &[f64], seed: u64) -> Option<Interval> {
    bootstrap(values.len(), seed, |places| {
        let sum: f64 = places.iter().filter_map(|place| values.get(*place)).sum();
        Some(sum / count(places.len()))
    })
}

/// How likely a mean difference at least this large would be if the sign of each difference were chance:
/// a two-sided randomisation test on pairs (Fisher 1935).
pub fn sign_flip_p(differences: &[f64], seed: u64) -> f64 {
    let observed = differences.iter().sum::<f64>().abs();
    let mut random = Random::seeded(seed);
    let mut as_large = 0;
    for _ in 0..SIGN_FLIPS {
        let mut sum = 0.0;
        for chunk in differences.chunks(64) {
            let mut signs = random.bits();
            for difference in chunk {
                sum += if signs & 1 == 0 { *difference } else { -difference };
                signs >>= 1;
            }
        }
        as_large += usize::from(sum.abs() >= observed - 1e-12);
    }
    count(as_large + 1) / count(SIGN_FLIPS + 1)
}

/// The p values of several tests together, each raised so that one false alarm among all stays rare (Holm 1979).
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values.get(*a).unwrap_or(&1.0).total_cmp(p_values.get(*b).unwrap_or(&1.0)));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut floor: f64 = 0.0;
    for (rank, place) in order.into_iter().enumerate() {
        let raw = p_values.get(place).copied().unwrap_or(1.0);
        floor = floor.max((raw * count(p_values.len() - rank)).min(1.0));
        if let Some(slot) = adjusted.get_mut(place) {
            *slot = floor;
        }
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_holds_the_mean_and_the_same_seed_gives_the_same_bits() {
        let values: Vec<f64> = (0..200).map(|n| f64::from(n % 10)).collect();
        let interval = mean_interval(&values, 7).unwrap();
        assert!(interval.low < 4.5 && interval.high > 4.5 && interval.high - interval.low < 1.0, "{interval:?}");
        assert_eq!(mean_interval(&values, 7), Some(interval));
        assert_ne!(mean_interval(&values, 8), Some(interval));
        assert_eq!(mean_interval(&[], 7), None);
    }

    #[test]
    fn an_interval_of_the_mean_covers_the_truth_about_nineteen_times_of_twenty() {
        let mut random = Random::seeded(1);
        let covered = (0..200).filter(|round| {
            let values: Vec<f64> = (0..60).map(|_| count(random.below(2))).collect();
            let interval = mean_interval(&values, *round).unwrap();
            interval.low <= 0.5 && 0.5 <= interval.high
        });
        let covered = covered.count();
        assert!((178..=198).contains(&covered), "{covered} of 200");
    }

    #[test]
    fn an_interval_of_a_statistic_that_grows_by_resampling_still_holds_the_value() {
        let values: Vec<f64> = (0..60).map(|n| f64::from(n) / 60.0).collect();
        // The distance of the mean from one half is 0 or more, and noise only adds to it.
        let distance = |places: &[usize]| {
            let sum: f64 = places.iter().filter_map(|place| values.get(*place)).sum();
            Some((sum / count(places.len()) - 0.49).abs())
        };
        let observed = distance(&(0..60).collect::<Vec<_>>()).unwrap();
        let interval = bootstrap(60, 3, distance).unwrap();
        assert!(interval.low <= observed && observed <= interval.high, "{observed} {interval:?}");
    }

    #[test]
    fn a_real_difference_is_found_and_noise_is_not() {
        let real: Vec<f64> = (0..40).map(|n| if n % 4 == 0 { -0.1 } else { 0.2 }).collect();
        assert!(sign_flip_p(&real, 3) < 0.01);
        let noise: Vec<f64> = (0..40).map(|n| if n % 2 == 0 { 0.2 } else { -0.2 }).collect();
        assert!(sign_flip_p(&noise, 3) > 0.9);
        assert!((sign_flip_p(&[0.0, 0.0], 3) - 1.0).abs() < 1e-9, "no difference is no evidence");
    }

    #[test]
    fn holm_keeps_the_order_and_raises_the_smallest_most() {
        let adjusted = holm(&[0.04, 0.01, 0.03]);
        for (value, expected) in adjusted.iter().zip([0.06, 0.03, 0.06]) {
            assert!((value - expected).abs() < 1e-9, "{adjusted:?}");
        }
    }

    #[test]
    fn quantiles_are_linear_between_neighbours() {
        assert_eq!(quantile(&[1.0, 2.0, 3.0], 0.25), Some(1.5));
        assert_eq!(quantile(&[1.0], 0.9), Some(1.0));
        assert_eq!(quantile(&[], 0.5), None);
    }
}
