//! What a log comes to, for people: figures, unusual use, entries in words. Pure: entries in, text out.

pub mod calendar;
pub mod known;
pub mod sketch;
pub mod unusual;
pub mod figures;
mod dispute;
pub mod fields;
pub mod words;
pub mod select;
pub mod csv;
pub mod labels;
pub mod page;
pub mod chart;
pub mod render;
pub mod html;
pub mod statement;
pub mod agreement;
