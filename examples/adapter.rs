//! An adapter in Rust: was this person cremated (fact M3)? The records are a CSV file.
//!
//! `cargo build --example adapter`, and in a manifest `[grpc] command = ["…/examples/adapter", "cremations.csv"]`.
//! docs/adapter-programs.md says what is asked of such a program.

use std::{env, error::Error, fs, io, path::PathBuf, process, thread};

use heyan::proto::adapter::v1::adapter_server::{Adapter, AdapterServer};
use heyan::proto::adapter::v1::{fetch_response::Outcome, *};
use heyan::proto::gateway::v1::{Value, subject, value::Kind};
use tokio::net::UnixListener;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::{Request, Response, Status, transport::Server};

struct Cremations(PathBuf);

#[tonic::async_trait]
impl Adapter for Cremations {
    async fn describe(
        &self,
        request: Request<DescribeRequest>,
    ) -> Result<Response<DescribeResponse>, Status> {
        let asked = request.into_inner();
        if !(asked.lowest_protocol..=asked.highest_protocol).contains(&1) {
            return Err(Status::failed_precondition("only protocol 1 is spoken here"));
        }
        let (name, version) = (String::new(), "1.0.0".to_owned());
        Ok(Response::new(DescribeResponse { protocol: 1, name, version, facts: vec!["M3".into()] }))
    }

    async fn check(&self, _: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        let advice = "is the CSV file there?".to_owned();
        Ok(Response::new(CheckResponse { reachable: self.0.is_file(), advice }))
    }

    async fn fetch(
        &self,
        request: Request<FetchRequest>,
    ) -> Result<Response<FetchResponse>, Status> {
        let subject = request.into_inner().subjects.into_iter().next();
        let Some(subject::Kind::Person(person)) = subject.and_then(|subject| subject.kind) else {
            return Err(Status::invalid_argument("the question is about nobody"));
        };
        let outcome = self.look_up(&person.document_number).unwrap_or_else(|_| {
            // Not to know is never a "no".
            Outcome::Unavailable(Unavailable { reason: "maintenance".into(), retry_after: None })
        });
        Ok(Response::new(FetchResponse { outcome: Some(outcome) }))
    }
}

impl Cremations {
    /// Reads the file anew each time: whoever keeps the records may replace it at any moment.
    fn look_up(&self, number: &str) -> io::Result<Outcome> {
        let as_of = Some(fs::metadata(&self.0)?.modified()?.into());
        let records = fs::read_to_string(&self.0)?;
        let mut rows = records.lines().filter_map(|row| row.split_once(','));
        let Some((_, date)) = rows.find(|(known, _)| *known == number) else {
            return Ok(Outcome::NotFound(NotFound { as_of }));
        };
        let value = |kind| Value { kind: Some(kind) };
        let cremated = ("cremated".to_owned(), value(Kind::Truth(true)));
        let on = ("cremated_on".to_owned(), value(Kind::Date(date.to_owned())));
        let attributes = [cremated, on].into();
        Ok(Outcome::Found(Found { attributes, as_of, subjects_checked: vec![0] }))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let records = env::args().nth(1).ok_or("usage: adapter RECORDS")?;
    // The gateway holds the other end; when it is gone, so are we.
    thread::spawn(|| {
        let _end = io::copy(&mut io::stdin(), &mut io::sink());
        process::exit(0);
    });
    let listener = UnixListener::bind(env::var("HEYAN_ADAPTER_SOCKET")?)?;
    let service = AdapterServer::new(Cremations(records.into()));
    Server::builder()
        .add_service(service)
        .serve_with_incoming(UnixListenerStream::new(listener))
        .await?;
    Ok(())
}
