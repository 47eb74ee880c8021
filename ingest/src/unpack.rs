//! Unpacks gzip piece by piece into a buffer that cannot outgrow its limit.

use flate2::write::MultiGzDecoder;
use std::io::{self, Write};

/// A body of this size, in bytes, gets all the room it may need at once.
const LARGE_BYTES: usize = 512 * 1024;

/// Collects a body as it arrives, counting what was sent and what it unpacks to.
pub struct Unpacker {
    stage: Stage,
    raw_bytes: usize,
    raw_bytes_max: usize,
}

enum Stage {
    Plain(Bounded),
    Gzip(Box<MultiGzDecoder<Bounded>>),
}

/// Why unpacking stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// More was sent than the limit.
    RawTooLarge,
    /// It unpacks to more than the limit.
    UnpackedTooLarge,
    /// What was sent is not gzip, or not all of it.
    Damaged,
}

/// How much may arrive and how much it may become, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// As sent.
    pub raw_bytes_max: usize,
    /// As unpacked.
    pub unpacked_bytes_max: usize,
}

impl Unpacker {
    /// Takes the body as it is.
    pub fn plain(bounds: Bounds) -> Self {
        Self {
            stage: Stage::Plain(Bounded::new(bounds.unpacked_bytes_max)),
            raw_bytes: 0,
            raw_bytes_max: bounds.raw_bytes_max,
        }
    }

    /// Takes the body as gzip of one or several members.
    pub fn gzip(bounds: Bounds) -> Self {
        let decoder = MultiGzDecoder::new(Bounded::new(bounds.unpacked_bytes_max));
        Self { stage: Stage::Gzip(Box::new(decoder)), raw_bytes: 0, raw_bytes_max: bounds.raw_bytes_max }
    }

    /// Takes the next piece.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), Stopped> {
        self.raw_bytes = self.raw_bytes.saturating_add(piece.len());
        if self.raw_bytes > self.raw_bytes_max {
            return Err(Stopped::RawTooLarge);
        }
        match &mut self.stage {
            Stage::Plain(bounded) => bounded.write_all(piece),
            Stage::Gzip(decoder) => decoder.write_all(piece),
        }
        .map_err(|error| stopped(&error))
    }

    /// Bytes unpacked so far.
    pub fn unpacked_bytes(&self) -> usize {
        match &self.stage {
            Stage::Plain(bounded) => bounded.bytes.len(),
            Stage::Gzip(decoder) => decoder.get_ref().bytes.len(),
        }
    }

    /// Gives out what was unpacked so far, whole or not.
    pub fn so_far(self) -> Vec<u8> {
        match self.stage {
            Stage::Plain(bounded) => bounded.bytes,
            Stage::Gzip(mut decoder) => {
                // What is damaged at its end still has its beginning.
                let _ = decoder.flush();
                std::mem::take(&mut decoder.get_mut().bytes)
            }
        }
    }

    /// Gives out the whole body, unpacked.
    pub fn finish(self) -> Result<Vec<u8>, Stopped> {
        match self.finish_or_cut()? {
            (bytes, false) => Ok(bytes),
            (_, true) => Err(Stopped::UnpackedTooLarge),
        }
    }

    /// Gives out the body, unpacked, and says whether there is more than the bounds allow.
    pub fn finish_or_cut(self) -> Result<(Vec<u8>, bool), Stopped> {
        match self.stage {
            Stage::Plain(bounded) => Ok((bounded.bytes, false)),
            Stage::Gzip(_) if self.raw_bytes == 0 => Ok((Vec::new(), false)),
            Stage::Gzip(mut decoder) => {
                let ended = decoder.try_finish().map_err(|error| stopped(&error));
                let is_cut = ended == Err(Stopped::UnpackedTooLarge);
                let bytes = std::mem::take(&mut decoder.get_mut().bytes);
                if is_cut { Ok((bytes, true)) } else { ended.map(|()| (bytes, false)) }
            }
        }
    }
}

/// Unpacks gzip that is whole in memory, as sitemaps are; other bytes are given back as they are. Says
/// whether there is more than the bounds allow, which is left away.
pub fn unpack_if_gzip(mut bytes: Vec<u8>, bounds: Bounds) -> Result<(Vec<u8>, bool), Stopped> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        let is_cut = bytes.len() > bounds.unpacked_bytes_max;
        bytes.truncate(bounds.unpacked_bytes_max);
        return Ok((bytes, is_cut));
    }
    let mut unpacker = Unpacker::gzip(bounds);
    match unpacker.push(&bytes) {
        Err(Stopped::UnpackedTooLarge) => Ok((unpacker.so_far(), true)),
        pushed => pushed.and_then(|()| unpacker.finish_or_cut()),
    }
}

fn stopped(error: &io::Error) -> Stopped {
    if error.kind() == io::ErrorKind::FileTooLarge { Stopped::UnpackedTooLarge } else { Stopped::Damaged }
}

/// A buffer that refuses to grow past its limit.
struct Bounded {
    bytes: Vec<u8>,
    bytes_max: usize,
}

impl Bounded {
    fn new(bytes_max: usize) -> Self {
        Self { bytes: Vec::new(), bytes_max }
    }
}

impl Write for Bounded {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + piece.len() > self.bytes.capacity() && self.bytes.len() >= LARGE_BYTES {
            // Growing by doubling would hold several copies; memory that is not written to is not used.
            self.bytes.reserve_exact(self.bytes_max.saturating_sub(self.bytes.len()));
        }
        // What still fits is kept: the beginning of some files is worth having.
        let fits = piece.get(..self.bytes_max.saturating_sub(self.bytes.len())).unwrap_or(piece);
        self.bytes.extend_from_slice(fits);
        if fits.len() < piece.len() { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(piece.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use flate2::{Compression, write::GzEncoder};

    const BOUNDS: Bounds = Bounds { raw_bytes_max: 10_000, unpacked_bytes_max: 100_000 };

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn unpacks_members_one_after_the_other() {
        let packed = [gzip(b"one "), gzip(b"two")].concat();
        assert_eq!(unpack_if_gzip(packed, BOUNDS).unwrap(), (b"one two".to_vec(), false));
        assert_eq!(unpack_if_gzip(b"plain".to_vec(), BOUNDS).unwrap(), (b"plain".to_vec(), false));
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = gzip(&vec![0; 5_000_000]);
        assert!(bomb.len() < BOUNDS.raw_bytes_max);
        let mut unpacker = Unpacker::gzip(BOUNDS);
        assert_eq!(unpacker.push(&bomb), Err(Stopped::UnpackedTooLarge));
        let Stage::Gzip(decoder) = &unpacker.stage else { unreachable!() };
        assert!(decoder.get_ref().bytes.len() <= BOUNDS.unpacked_bytes_max);
    }

    #[test]
    fn a_cut_or_damaged_body_is_noticed() {
        let packed = gzip(b"a text that is cut in the middle of its stream, a long one");
        let cut = packed.get(..packed.len() - 6).unwrap().to_vec();
        assert_eq!(unpack_if_gzip(cut, BOUNDS), Err(Stopped::Damaged));
        assert_eq!(unpack_if_gzip(vec![0x1f, 0x8b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], BOUNDS), Err(Stopped::Damaged));
    }

    #[test]
    fn the_raw_size_is_limited_too() {
        let mut unpacker = Unpacker::plain(BOUNDS);
        assert_eq!(unpacker.push(&[0; 10_000]), Ok(()));
        assert_eq!(unpacker.push(&[0; 1]), Err(Stopped::RawTooLarge));
    }
}
