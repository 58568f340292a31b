//! Small real files, made here: pictures, recordings, videos.

use std::io::Write;

/// A PNG of one colour.
pub(crate) fn png(width: u32, height: u32, colour: u8) -> Vec<u8> {
    let mut row = vec![colour; width as usize * 3 + 1];
    row[0] = 0;
    let mut data = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    for _ in 0..height {
        data.write_all(&row).unwrap();
    }
    let mut head = [width.to_be_bytes(), height.to_be_bytes()].concat();
    head.extend_from_slice(&[8, 2, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, body) in [(b"IHDR", head), (b"IDAT", data.finish().unwrap()), (b"IEND", Vec::new())] {
        png.extend_from_slice(&u32::try_from(body.len()).unwrap().to_be_bytes());
        let mut sum = flate2::Crc::new();
        sum.update(name);
        sum.update(&body);
        png.extend_from_slice(name);
        png.extend_from_slice(&body);
        png.extend_from_slice(&sum.sum().to_be_bytes());
    }
    png
}

/// An Opus recording of silence in an Ogg file, so many seconds long, as phones make them.
pub(crate) fn opus(seconds: u64) -> Vec<u8> {
    let page = |flags: u8, samples: u64, number: u32, packets: &[&[u8]]| {
        let mut page = b"OggS\0".to_vec();
        page.push(flags);
        page.extend_from_slice(&samples.to_le_bytes());
        page.extend_from_slice(&7_u32.to_le_bytes());
        page.extend_from_slice(&number.to_le_bytes());
        page.extend_from_slice(&[0; 4]);
        page.push(u8::try_from(packets.len()).unwrap());
        page.extend(packets.iter().map(|packet| u8::try_from(packet.len()).unwrap()));
        page.extend(packets.concat());
        let sum = ogg_sum(&page).to_le_bytes();
        page[22..26].copy_from_slice(&sum);
        page
    };
    let silence: &[u8] = &[0xf8, 0xff, 0xfe];
    let mut file = page(2, 0, 0, &[b"OpusHead\x01\x01\x38\x01\x80\xbb\0\0\0\0\0"]);
    file.extend(page(0, 0, 1, &[b"OpusTags\x04\0\0\0test\0\0\0\0"]));
    for second in 1..=seconds {
        let last = if second == seconds { 4 } else { 0 };
        file.extend(page(last, second * 48_000, u32::try_from(second + 1).unwrap(), &[silence; 50]));
    }
    file
}

fn ogg_sum(page: &[u8]) -> u32 {
    page.iter().fold(0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte) << 24, |sum, _| {
            if sum & 0x8000_0000 == 0 { sum << 1 } else { sum << 1 ^ 0x04c1_1db7 }
        })
    })
}

/// The head of a film and some bytes of it: 320 by 240, so many milliseconds long.
pub(crate) fn mp4(milliseconds: u32) -> Vec<u8> {
    let a_box = |name: &[u8; 4], body: &[u8]| {
        [&u32::try_from(body.len() + 8).unwrap().to_be_bytes(), name.as_slice(), body].concat()
    };
    let mut movie = vec![0; 12];
    movie.extend_from_slice(&1000_u32.to_be_bytes());
    movie.extend_from_slice(&milliseconds.to_be_bytes());
    movie.resize(100, 0);
    let mut track = vec![0; 84];
    track[76..78].copy_from_slice(&320_u16.to_be_bytes());
    track[80..82].copy_from_slice(&240_u16.to_be_bytes());
    let moov = [a_box(b"mvhd", &movie), a_box(b"trak", &a_box(b"tkhd", &track))].concat();
    [a_box(b"ftyp", b"isom\0\0\x02\0"), a_box(b"mdat", &[9; 300]), a_box(b"moov", &moov)].concat()
}

/// Bytes that compress badly, the same for the same seed.
pub(crate) fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut dice = fastrand::Rng::with_seed(seed);
    std::iter::repeat_with(|| dice.u8(..)).take(bytes).collect()
}

/// A zip archive.
pub(crate) fn zip(path: &std::path::Path, files: &[(&str, &[u8])]) {
    let mut zip = zip::ZipWriter::new(fs_err::File::create(path).unwrap());
    for (name, bytes) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}
