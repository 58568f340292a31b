use super::*;

fn look_at(bytes: &[u8]) -> Look {
    look(&mut io::Cursor::new(bytes.to_vec())).unwrap()
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend_from_slice(&width.to_be_bytes());
    bytes.extend_from_slice(&height.to_be_bytes());
    bytes.extend_from_slice(&[8, 2, 0, 0, 0, 0, 0, 0, 0]);
    bytes
}

fn a_box(name: &[u8], body: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(body.len() + 8).unwrap().to_be_bytes().to_vec();
    bytes.extend_from_slice(name);
    bytes.extend_from_slice(body);
    bytes
}

/// 2.5 seconds, 320 by 240 unless it has no picture.
fn film(brand: &[u8], picture: bool) -> Vec<u8> {
    let mut movie = vec![0; 12];
    movie.extend_from_slice(&1000_u32.to_be_bytes());
    movie.extend_from_slice(&2500_u32.to_be_bytes());
    movie.resize(100, 0);
    let mut track = vec![0; 84];
    if picture {
        track[76..78].copy_from_slice(&320_u16.to_be_bytes());
        track[80..82].copy_from_slice(&240_u16.to_be_bytes());
    }
    let moov = [a_box(b"mvhd", &movie), a_box(b"trak", &a_box(b"tkhd", &track))].concat();
    [a_box(b"ftyp", &[brand, &[0; 4]].concat()), a_box(b"mdat", &[7; 5000]), a_box(b"moov", &moov)].concat()
}

#[test]
fn pictures_have_their_true_size() {
    let look = look_at(&png(200, 166));
    assert_eq!((look.mime, look.ending, look.width, look.height), ("image/png", "png", 200, 166));
    let gif = look_at(
        b"GIF89a\x03\x00\x05\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x03\x00\x05\x00\x00",
    );
    assert_eq!((gif.mime, gif.width, gif.height), ("image/gif", 3, 5));
    let jpeg = look_at(b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xc0\x00\x11\x08\x00\x07\x00\x09\x03\x01\x11\0\x02\x11\x01\x03\x11\x01");
    assert_eq!((jpeg.mime, jpeg.width, jpeg.height), ("image/jpeg", 9, 7));
}

#[test]
fn a_picture_that_lies_has_no_size() {
    for (width, height) in [(0, 10), (10, 0), (u32::MAX, 10), (70_000, 70_000), (60_000, 60_000)] {
        let look = look_at(&png(width, height));
        assert_eq!((look.mime, look.width, look.height), ("image/png", 0, 0), "{width}x{height}");
    }
    assert_eq!(look_at(b"\x89PNG\r\n\x1a\n").width, 0);
}

#[test]
fn films_and_recordings_have_their_length() {
    let video = look_at(&film(b"isom", true));
    assert_eq!((video.mime, video.width, video.height, video.seconds), ("video/mp4", 320, 240, 3));
    let sound = look_at(&film(b"isom", false));
    assert_eq!((sound.mime, sound.ending, sound.seconds), ("audio/mp4", "m4a", 3));
    assert_eq!(look_at(&film(b"M4A ", false)).mime, "audio/mp4");
    // Boxes within boxes that say they are huge, or nothing at all.
    let mut cut = film(b"isom", true);
    cut.truncate(5100);
    assert_eq!(look_at(&cut).seconds, 0);
    let endless = [a_box(b"ftyp", b"isom\0\0\0\0"), [0, 0, 0, 8].repeat(20_000)].concat();
    assert_eq!(look_at(&endless).seconds, 0);
    let deep = (0..50).fold(vec![0; 8], |inner, _| a_box(b"moov", &inner));
    assert_eq!(look_at(&[a_box(b"ftyp", b"isom\0\0\0\0"), deep].concat()).seconds, 0);
}

#[test]
fn voices_have_their_length() {
    let mut opus = b"OggS\0\x02".to_vec();
    opus.extend_from_slice(&[0; 22]);
    opus.extend_from_slice(b"OpusHead\x01\x01\x38\x01\x80\xbb\0\0\0\0\0");
    opus.extend_from_slice(b"OggS\0\x04");
    opus.extend_from_slice(&(48_000_u64 * 4 + 312 - 100).to_le_bytes());
    opus.extend_from_slice(&[0; 30]);
    let look = look_at(&opus);
    assert_eq!((look.mime, look.seconds), ("audio/ogg", 4));
    let mut wav = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    wav.extend_from_slice(&8000_u32.to_le_bytes());
    wav.extend_from_slice(&16_000_u32.to_le_bytes());
    wav.extend_from_slice(&[2, 0, 16, 0]);
    wav.extend_from_slice(b"data");
    wav.extend_from_slice(&24_000_u32.to_le_bytes());
    assert_eq!((look_at(&wav).mime, look_at(&wav).seconds), ("audio/wav", 2));
    let amr = [b"#!AMR\n".to_vec(), [0x3c; 32].repeat(75)].concat();
    assert_eq!((look_at(&amr).mime, look_at(&amr).seconds), ("audio/amr", 2));
}

#[test]
fn nothing_becomes_what_a_browser_runs() {
    for bytes in
        [b"<html><script>x</script>".as_slice(), b"<svg onload=x>", b"", b"x", b"BMx", b"OggS", b"#!AMR"]
    {
        let look = look_at(bytes);
        assert!(
            !look.mime.contains("html") && !look.mime.contains("svg") && !look.mime.contains("script"),
            "{look:?}"
        );
    }
}

#[test]
fn no_bytes_make_it_panic() {
    // Every beginning of every kind, and each with bytes turned.
    for whole in [
        png(3, 4),
        film(b"isom", true),
        b"OggS\0\x02OpusHead".repeat(9),
        b"RIFF\0\0\0\0WAVEfmt \xff\xff\xff\xff".repeat(3),
    ] {
        for end in 0..whole.len().min(300) {
            look_at(&whole[..end]);
        }
        for at in 0..whole.len().min(300) {
            let mut turned = whole.clone();
            turned[at] ^= 0xff;
            look_at(&turned);
        }
    }
}
