//! What a column is, by its name.

/// What stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Column {
    /// What OpenIM calls him.
    User,
    /// What the export calls him.
    Source,
    /// His name.
    Nickname,
    /// URL of his picture.
    Face,
    /// His e-mail.
    Email,
    /// His phone, with or without area code.
    Phone,
    /// The area code of his phone.
    AreaCode,
    /// A name to log in with.
    Account,
    /// A password, as it is typed.
    Password,
    /// A password's digest, as apps send it.
    PasswordDigest,
    /// `user` or `group`, as in the table that `users` prints.
    Kind,
}

/// Names of columns, in small letters and without anything but letters and digits.
const NAMES: [(Column, &[&str]); 11] = [
    (Column::User, &["userid", "openimid", "openimuserid", "imuserid"]),
    (Column::Source, &["id", "sourceid"]),
    (Column::Nickname, &["nickname", "name", "displayname", "fullname", "realname", "nick", "昵称", "姓名"]),
    (Column::Face, &["faceurl", "face", "avatar", "avatarurl", "picture", "pictureurl", "photo", "photourl"]),
    (Column::Email, &["email", "emailaddress", "mail", "mailaddress", "邮箱", "电子邮箱"]),
    (
        Column::Phone,
        &[
            "phone",
            "phonenumber",
            "mobile",
            "mobilephone",
            "mobilenumber",
            "cell",
            "cellphone",
            "tel",
            "telephone",
            "手机",
            "手机号",
            "电话",
        ],
    ),
    (Column::AreaCode, &["areacode", "countrycode", "dialcode", "dialingcode", "区号"]),
    (Column::Account, &["account", "accountname", "login", "loginname", "username", "账号"]),
    (Column::Password, &["password", "initialpassword", "passwd", "密码"]),
    (Column::PasswordDigest, &["passwordmd5", "md5password"]),
    (Column::Kind, &["kind"]),
];

impl Column {
    /// By its name; `None`: it has nothing to do with accounts.
    pub fn of(name: &str) -> Option<Self> {
        let name: String =
            name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        NAMES.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(column, _)| *column)
    }

    /// How it is best called.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "userID",
            Self::Source => "id",
            Self::Nickname => "nickname",
            Self::Face => "faceURL",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::AreaCode => "areaCode",
            Self::Account => "account",
            Self::Password => "password",
            Self::PasswordDigest => "passwordMD5",
            Self::Kind => "kind",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_in_any_spelling() {
        for (name, column) in [
            ("userID", Column::User),
            ("openim_id", Column::User),
            ("E-Mail", Column::Email),
            ("e-mail address", Column::Email),
            ("Phone Number", Column::Phone),
            ("手机号", Column::Phone),
            ("password_md5", Column::PasswordDigest),
        ] {
            assert_eq!(Column::of(name), Some(column), "{name}");
        }
        assert_eq!(Column::of("department"), None);
        assert_eq!(Column::of("emial"), None);
    }

    #[test]
    fn a_column_is_known_by_its_own_name() {
        for (column, _) in NAMES {
            assert_eq!(Column::of(column.name()), Some(column));
        }
    }
}
