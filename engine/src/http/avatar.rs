//! Pictures of employees: checked by what is in them, not by their name (ORG-21, ORG-46, GEN-16), and served so that nothing in one runs in
//! a browser.

use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hooks::id::TenantId;
use utoipa_axum::router::UtoipaMethodRouter;

use super::problem::{FieldError, Kind, Problem};
use super::state::Api;
use crate::store::avatars::{Picture, PictureKind};

/// 1 MB (GEN-16).
pub const AVATAR_BYTES_MAX: usize = 1_048_576;
/// No side is longer, pixels: a browser would have to unfold it.
const SIDE_MAX: u32 = 10_000;

/// The body of these is a picture.
pub(super) fn large((schemas, paths, methods): UtoipaMethodRouter<Api>) -> UtoipaMethodRouter<Api> {
    (schemas, paths, methods.layer(DefaultBodyLimit::max(AVATAR_BYTES_MAX)))
}

/// The picture in an upload.
///
/// # Errors
/// [`Kind::TooLarge`]; [`Kind::Invalid`] where it is neither JPEG nor PNG.
pub(super) fn uploaded(bytes: Result<Bytes, BytesRejection>) -> Result<Picture, Problem> {
    let bytes = bytes.map_err(|rejection| match rejection.status().as_u16() {
        413 => Problem::new(Kind::TooLarge, "a picture has at most 1 MB (1,048,576 bytes)"),
        _ => Problem::new(Kind::Malformed, "the body could not be read to its end"),
    })?;
    let found =
        png(&bytes).map(|size| (PictureKind::Png, size)).or_else(|| jpeg(&bytes).map(|size| (PictureKind::Jpeg, size)));
    let Some((kind, (width, height))) = found else {
        let detail = "send a whole JPEG or PNG picture as the body; its content is looked at, not its name";
        return Err(Problem::invalid(vec![FieldError::new("", detail)]));
    };
    if !(1..=SIDE_MAX).contains(&width) || !(1..=SIDE_MAX).contains(&height) {
        return Err(Problem::invalid(vec![FieldError::new("", "a picture is at most 10,000 pixels wide and high")]));
    }
    Ok(Picture { kind, bytes: bytes.to_vec() })
}

/// Serves a picture; `sha256` is its version.
///
/// # Errors
/// [`Kind::NotFound`] where there is none; when the database is away.
pub(super) async fn serve(
    api: &Api,
    tenant: &TenantId,
    employee_no: &str,
    sha256: Option<&str>,
    asked: &HeaderMap,
) -> Result<Response, Problem> {
    let none = || Problem::not_found("picture");
    let etag = HeaderValue::try_from(format!("\"{}\"", sha256.ok_or_else(none)?));
    let etag = etag.map_err(|error| Problem::internal(&error))?;
    let caching =
        [(header::ETAG, etag.clone()), (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"))];
    if asked.get(header::IF_NONE_MATCH) == Some(&etag) {
        return Ok((axum::http::StatusCode::NOT_MODIFIED, caching).into_response());
    }
    let picture = api.store().avatar(tenant, employee_no).await?.ok_or_else(none)?;
    let kind = match picture.kind {
        PictureKind::Jpeg => "image/jpeg",
        PictureKind::Png => "image/png",
    };
    let safe = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (header::CONTENT_DISPOSITION, "inline"),
    ];
    Ok((caching, safe, picture.bytes).into_response())
}

/// Width and height of a PNG that is whole: its header comes first and its end last (PNG, third edition, §5).
fn png(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut rest = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n")?;
    let mut size = None;
    loop {
        let length = usize::try_from(u32::from_be_bytes(rest.get(..4)?.try_into().ok()?)).ok()?;
        let (kind, data) = (rest.get(4..8)?, rest.get(8..8usize.checked_add(length)?)?);
        // Four bytes of checksum follow.
        rest = rest.get(length.checked_add(12)?..)?;
        match (size, kind) {
            (None, b"IHDR") if length == 13 => {
                let side = |at: usize| data.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
                size = Some((side(0)?, side(4)?));
            }
            (None, _) => return None,
            (Some(size), b"IEND") => return rest.is_empty().then_some(size),
            (Some(_), _) => {}
        }
    }
}

/// Width and height of a JPEG: segments up to the one that begins the scan, and an end (ITU-T T.81 annex B).
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    if !bytes.ends_with(&[0xff, 0xd9]) {
        return None;
    }
    let mut rest = bytes.strip_prefix(&[0xff, 0xd8])?;
    let mut size = None;
    loop {
        let [0xff, marker, high, low, ..] = *rest else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let data = rest.get(4..length.checked_add(2)?)?;
        match marker {
            // Start of frame, whatever the process: not the tables (C4), extensions (C8) and conditioning (CC) among them.
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                let [_, high, low, wide_high, wide_low, ..] = *data else { return None };
                let side = |high, low| u32::from(u16::from_be_bytes([high, low]));
                size = Some((side(wide_high, wide_low), side(high, low)));
            }
            0xda => return size,
            0xc4 | 0xc8 | 0xcc | 0xdb..=0xfe => {}
            _ => return None,
        }
        rest = rest.get(length + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of one pixel each, made by another program (ImageMagick's smallest output, by hand).
    fn one_pixel_png() -> Vec<u8> {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x02\0\0\0\x03\x08\x02\0\0\0crc!".to_vec();
        png.extend(b"\0\0\0\x02IDATxxcrc!\0\0\0\0IEND\xaeB`\x82");
        png
    }

    fn small_jpeg() -> Vec<u8> {
        let mut jpeg = b"\xff\xd8\xff\xe0\0\x04JF\xff\xc0\0\x0b\x08\0\x03\0\x02\x01\x01\x11\0\xff\xda\0\x04ab".to_vec();
        jpeg.extend(b"data\xff\xd9");
        jpeg
    }

    /// Proves ORG-21, ORG-46 and GEN-16 as far as the content is concerned.
    #[test]
    fn the_content_decides_not_the_name() {
        assert_eq!(png(&one_pixel_png()), Some((2, 3)));
        assert_eq!(jpeg(&small_jpeg()), Some((2, 3)));
        let upload = |bytes: &[u8]| uploaded(Ok(Bytes::copy_from_slice(bytes))).map(|picture| picture.kind);
        assert_eq!(upload(&one_pixel_png()), Ok(PictureKind::Png));
        assert_eq!(upload(&small_jpeg()), Ok(PictureKind::Jpeg));
        let mut huge = one_pixel_png();
        huge[16..20].copy_from_slice(&20_000_u32.to_be_bytes());
        let behind = [one_pixel_png(), b"<script>".to_vec()].concat();
        for bad in [&b"<svg onload=alert(1)>"[..], b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", &huge, &behind] {
            assert_eq!(upload(bad).unwrap_err().kind, Kind::Invalid, "{bad:?}");
        }
    }

    #[test]
    fn what_is_cut_off_or_garbled_is_refused_without_a_panic() {
        for whole in [one_pixel_png(), small_jpeg()] {
            for end in 0..whole.len() {
                assert_eq!(png(&whole[..end]).or(jpeg(&whole[..end])), None, "{end}");
            }
            for at in 0..whole.len() {
                for value in [0, 0xff] {
                    let mut garbled = whole.clone();
                    garbled[at] = value;
                    let _ = (png(&garbled), jpeg(&garbled));
                }
            }
        }
    }
}
