//! Names that nobody guesses: whoever knows the address of an object can read it, without a token.
//!
//! 128 bits of HMAC-SHA256 over the content's hash and size, by a key that lies in a file of its own beside the
//! configuration. So a lost job, `adopt` and other machines with the same key find the same names.

use std::io::Write;
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::digest::hex;

/// Bytes of a key.
const LENGTH: usize = 32;

/// The key of the names.
pub struct Key([u8; LENGTH]);

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It can't be read or written.
    #[error("the key of the media's names: {0}")]
    Io(#[from] std::io::Error),
    /// Others can read it.
    #[error("`{}` can be read by others on this machine: whoever has it can guess the addresses of all files. \
             `chmod 600` it", .0.display())]
    Open(PathBuf),
    /// It is no key.
    #[error("`{}` is no key of the media's names: 64 hexadecimal digits. If it is lost, take it away: files get new \
             names then", .0.display())]
    Odd(PathBuf),
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// Reads the key, or makes one.
    ///
    /// # Errors
    /// A file that is no key, or that others can read.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        match fs_err::read_to_string(path) {
            Ok(text) => {
                is_private(path)?;
                Self::read(text.trim()).ok_or_else(|| KeyError::Odd(path.to_owned()))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::make(path),
            Err(error) => Err(error.into()),
        }
    }

    fn read(text: &str) -> Option<Self> {
        let mut key = [0; LENGTH];
        if text.len() != 2 * LENGTH {
            return None;
        }
        for (n, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * n..2 * n + 2)?, 16).ok()?;
        }
        Some(Self(key))
    }

    /// A new one, whole or not at all; of two who make it at once, both get the one that was first.
    fn make(path: &Path) -> Result<Self, KeyError> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut random = [0; LENGTH];
        std::io::Read::read_exact(&mut fs_err::File::open("/dev/urandom")?, &mut random)?;
        // Made by `tempfile` for its owner alone.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        writeln!(file, "{}", hex(&random))?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(path) {
            Ok(_) => Ok(Self(random)),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Self::load(path),
            Err(error) => Err(error.error.into()),
        }
    }

    /// The name of a content, without an ending: always the same.
    pub fn name(&self, hash: &str, size: u64) -> String {
        let text = self.tag(&[hash, &size.to_string()]);
        format!("import/{}", &text[..32])
    }

    /// 32 bytes, hexadecimal, that only who has the key can know.
    pub fn tag(&self, words: &[&str]) -> String {
        // A key is filled up with zeros to a block of 64 bytes: so HMAC wants it.
        let mut block = [0; 64];
        block[..LENGTH].copy_from_slice(&self.0);
        let mut mac = Hmac::<Sha256>::new(&block.into());
        for word in words {
            mac.update(word.as_bytes());
            mac.update(b"\n");
        }
        hex(&mac.finalize().into_bytes())
    }
}

#[cfg(unix)]
fn is_private(path: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt;
    if fs_err::metadata(path)?.permissions().mode().trailing_zeros() >= 6 {
        Ok(())
    } else {
        Err(KeyError::Open(path.to_owned()))
    }
}

#[cfg(not(unix))]
fn is_private(_: &Path) -> Result<(), KeyError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_gives_the_same_names() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("media.key");
        let first = Key::load(&path).unwrap();
        let again = Key::load(&path).unwrap();
        let name = first.name("abc", 7);
        assert_eq!(name, again.name("abc", 7));
        assert_ne!(name, first.name("abc", 8));
        assert_eq!(name.len(), "import/".len() + 32);
        assert!(!format!("{first:?}").contains(&fs_err::read_to_string(&path).unwrap()[..8]));
        let other = Key::load(&dir.path().join("other.key")).unwrap();
        assert_ne!(name, other.name("abc", 7));
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("media.key");
        Key::load(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Key::load(&path), Err(KeyError::Open(_))));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        fs_err::write(&path, "short").unwrap();
        assert!(matches!(Key::load(&path), Err(KeyError::Odd(_))));
    }
}
