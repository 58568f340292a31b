//! The sum that archives of `mongodump` have of each collection.

/// CRC-64 of ECMA-182, reflected: what the archive has of each collection.
pub(super) struct Crc64(u64);

/// What a byte does to the sum, with none to seven more behind it: eight are summed in one step.
static TABLES: [[u64; 256]; 8] = {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let (mut crc, mut bit) = (byte as u64, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xc96c_5795_d787_0f42 } else { crc >> 1 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut table = 1;
    while table < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[table - 1][byte];
            tables[table][byte] = tables[0][(before & 0xff) as usize] ^ before >> 8;
            byte += 1;
        }
        table += 1;
    }
    tables
};

impl Crc64 {
    pub(super) fn new() -> Self {
        Self(u64::MAX)
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        let (eights, rest) = bytes.as_chunks::<8>();
        for eight in eights {
            let mixed = (self.0 ^ u64::from_le_bytes(*eight)).to_le_bytes();
            let of = |(at, byte): (usize, u8)| TABLES[7 - at][usize::from(byte)];
            self.0 = mixed.into_iter().enumerate().map(of).fold(0, |sum, part| sum ^ part);
        }
        for byte in rest {
            let at = usize::from(self.0.to_le_bytes()[0] ^ byte);
            self.0 = TABLES[0][at] ^ self.0 >> 8;
        }
    }

    pub(super) fn sum(&self) -> u64 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_the_usual_one() {
        // In whatever pieces it comes.
        for piece in 1..=9 {
            let mut sum = Crc64::new();
            b"123456789".chunks(piece).for_each(|piece| sum.update(piece));
            assert_eq!(sum.sum(), 0x995d_c9bb_df19_39fa, "{piece}");
        }
    }
}
