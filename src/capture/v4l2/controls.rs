use v4l::v4l_sys::*;

use super::identity::request_error;
use super::node::{Control, Node};
use crate::capture::{Controls, Error};

/// What changes the picture by itself, and the value that stops it: a part must look the same at
/// noon and at night, next to a bright part and next to a dark one.
///
/// Values are those of the kernel's pages "User Control Reference" and "Camera Control Reference".
const AUTOMATIC: [(u32, i64); 11] = [
    (V4L2_CID_EXPOSURE_AUTO, v4l2_exposure_auto_type_V4L2_EXPOSURE_MANUAL as i64),
    (V4L2_CID_EXPOSURE_AUTO_PRIORITY, 0),
    (V4L2_CID_AUTOGAIN, 0),
    (V4L2_CID_ISO_SENSITIVITY_AUTO, 0),
    (V4L2_CID_AUTO_WHITE_BALANCE, 0),
    (V4L2_CID_AUTO_N_PRESET_WHITE_BALANCE, 0),
    (V4L2_CID_AUTOBRIGHTNESS, 0),
    (V4L2_CID_HUE_AUTO, 0),
    (V4L2_CID_CHROMA_AGC, 0),
    (V4L2_CID_FOCUS_AUTO, 0),
    (V4L2_CID_WIDE_DYNAMIC_RANGE, 0),
];

/// Turns every automatic off, sets what the configuration says, and reads all of it back.
///
/// Automatics come first: while one is on, what it governs cannot be set. One that is named under
/// `driver` keeps the value given there.
pub(super) fn fix<N: Node>(node: &mut N, wanted: &Controls, origin: &str) -> Result<(), Error> {
    let offered =
        node.controls().map_err(|error| request_error(origin, "VIDIOC_QUERY_EXT_CTRL", &error))?;
    let mut values = automatics(&offered, wanted);
    values.extend(named(&offered, wanted, origin)?);
    for (control, value) in &values {
        set(node, (control, *value), origin)?;
    }
    // After the last one: setting one may change another.
    values.iter().try_for_each(|(control, value)| check(node, (control, *value), origin))
}

/// Sets one control by name and reads it back.
pub(super) fn set_one<N: Node>(
    node: &mut N,
    (name, value): (&str, i64),
    origin: &str,
) -> Result<(), Error> {
    let offered =
        node.controls().map_err(|error| request_error(origin, "VIDIOC_QUERY_EXT_CTRL", &error))?;
    let control = offered.iter().find(|control| control.name == name);
    let control = control.ok_or_else(|| absent(&offered, name, origin))?;
    set(node, (control, value), origin)?;
    check(node, (control, value), origin)
}

fn automatics<'a>(offered: &'a [Control], wanted: &Controls) -> Vec<(&'a Control, i64)> {
    let fixed = V4L2_CTRL_FLAG_READ_ONLY | V4L2_CTRL_FLAG_INACTIVE;
    let found = AUTOMATIC.iter().filter_map(|(id, off)| {
        let control = offered.iter().find(|control| control.id == *id)?;
        let is_free = control.flags & fixed == 0 && !wanted.driver.contains_key(&control.name);
        is_free.then_some((control, *off))
    });
    found.collect()
}

fn named<'a>(
    offered: &'a [Control],
    wanted: &Controls,
    origin: &str,
) -> Result<Vec<(&'a Control, i64)>, Error> {
    let mut found = Vec::new();
    // The kernel counts exposure in units of 100 us.
    let exposure = wanted.exposure_us.map(|us| (us / 100.0).round() as i64);
    for (key, ids, value) in [
        ("exposure_us", &[V4L2_CID_EXPOSURE_ABSOLUTE][..], exposure),
        ("gain", &[V4L2_CID_GAIN, V4L2_CID_ANALOGUE_GAIN], wanted.gain),
        ("white_balance_k", &[V4L2_CID_WHITE_BALANCE_TEMPERATURE], wanted.white_balance_k),
    ] {
        let Some(value) = value else { continue };
        let of = |id: &u32| offered.iter().find(|control| control.id == *id);
        let control = ids.iter().find_map(of).ok_or_else(|| absent(offered, key, origin))?;
        found.push((control, value));
    }
    for (name, value) in &wanted.driver {
        let control = offered.iter().find(|control| control.name == *name);
        found.push((control.ok_or_else(|| absent(offered, name, origin))?, *value));
    }
    Ok(found)
}

fn set<N: Node>(
    node: &mut N,
    (control, value): (&Control, i64),
    origin: &str,
) -> Result<(), Error> {
    let Control { minimum, maximum, step, .. } = *control;
    if !(minimum..=maximum).contains(&value) {
        return Err(wrong(control, origin, format!("{value} is not from {minimum} to {maximum}")));
    }
    if !value.abs_diff(minimum).is_multiple_of(step) {
        let reason = format!("{value} is not {minimum} and a multiple of {step}");
        return Err(wrong(control, origin, reason));
    }
    node.set_control(control, value)
        .map_err(|error| wrong(control, origin, format!("{value} was refused ({error})")))
}

fn check<N: Node>(
    node: &mut N,
    (control, value): (&Control, i64),
    origin: &str,
) -> Result<(), Error> {
    if control.flags & V4L2_CTRL_FLAG_WRITE_ONLY != 0 {
        return Ok(());
    }
    let found = node.control(control);
    match found {
        Ok(found) if found == value => Ok(()),
        Ok(found) => {
            Err(wrong(control, origin, format!("{value} was set and {found} is read back")))
        }
        Err(error) => Err(wrong(control, origin, format!("cannot be read back ({error})"))),
    }
}

fn wrong(control: &Control, origin: &str, reason: String) -> Error {
    Error::Control { origin: origin.to_owned(), control: control.name.clone(), reason }
}

fn absent(offered: &[Control], name: &str, origin: &str) -> Error {
    let names: Vec<&str> = offered.iter().map(|control| control.name.as_str()).collect();
    let there = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let reason = format!("not offered; there are {there}");
    Error::Control { origin: origin.to_owned(), control: name.to_owned(), reason }
}
