//! Disputes from the caller's side, and from the agency's.

use std::time::Duration;

use tonic::Request;
use tonic::transport::Channel;

use super::receipt::{self, ReceiptError};
use super::{Client, ClientError, reply};
use crate::proto::gateway::v1 as wire;
use wire::disputes_client::DisputesClient;

impl Client {
    /// Contests an answer that the caller's organisation got.
    ///
    /// # Errors
    /// As [`Client::verify`].
    pub async fn contest(
        &self,
        contest: wire::ContestRequest,
    ) -> Result<wire::Dispute, ClientError> {
        reply(self.disputes_client().contest(contest).await)
    }

    /// Disputes of the caller's organisation, and those about its data: all pages from the one that is named.
    ///
    /// # Errors
    /// As [`Client::verify`].
    pub async fn disputes(
        &self,
        mut wanted: wire::ListDisputesRequest,
    ) -> Result<Vec<wire::Dispute>, ClientError> {
        let mut all = Vec::new();
        loop {
            let page = self.disputes_page(wanted.clone()).await?;
            // A gateway that gives nothing, or the same again, has no next page.
            let is_last = page.disputes.is_empty() || page.next_page_token == wanted.page_token;
            all.extend(page.disputes);
            if is_last || page.next_page_token.is_empty() {
                return Ok(all);
            }
            wanted.page_token = page.next_page_token;
        }
    }

    /// One page of them.
    ///
    /// # Errors
    /// As [`Client::verify`].
    pub async fn disputes_page(
        &self,
        wanted: wire::ListDisputesRequest,
    ) -> Result<wire::ListDisputesResponse, ClientError> {
        reply(self.disputes_client().list_disputes(wanted).await)
    }

    /// Has a contested question put again. The deadline travels with it. Where receipts are required, the answer comes
    /// with one, which is held against the question in `question`.
    ///
    /// # Errors
    /// As [`Client::verify`].
    pub async fn recheck(
        &self,
        mut asked: wire::RecheckRequest,
        question: Option<&wire::VerifyRequest>,
        deadline: Duration,
    ) -> Result<wire::RecheckResponse, ClientError> {
        asked.want_receipt |= self.trust.is_some();
        let mut request = Request::new(asked.clone());
        request.set_timeout(deadline);
        let came = reply(self.disputes_client().recheck(request).await)?;
        if let (Some(trust), Some(answer)) = (&self.trust, &came.answer) {
            let put = question.map(|question| wire::VerifyRequest {
                request_id: asked.request_id.clone(),
                operator: asked.operator.clone().or_else(|| question.operator.clone()),
                want_receipt: true,
                ..question.clone()
            });
            let put = put.ok_or(ClientError::Receipt(ReceiptError::Differs("request_id")))?;
            receipt::check_answer(&put, answer, trust).map_err(ClientError::Receipt)?;
        }
        Ok(came)
    }

    /// The agency's own answer to a dispute about its data.
    ///
    /// # Errors
    /// As [`Client::verify`].
    pub async fn answer_dispute(
        &self,
        answer: wire::AnswerDisputeRequest,
    ) -> Result<wire::Dispute, ClientError> {
        reply(self.disputes_client().answer_dispute(answer).await)
    }

    fn disputes_client(&self) -> DisputesClient<Channel> {
        DisputesClient::new(self.channel.clone())
    }
}
