//! What can be asked: facts, items, the agreements of the caller's organisation, and how ready they make the items.

use tonic::{Request, Response, Status};

use super::{Services, peer, readiness};
use crate::catalogue::{AttributeKind, Fact, Item};
use crate::clock::now;
use crate::crypto::hex;
use crate::decision::agreement::Agreement;
use crate::decision::agreements::State;
use crate::proto::gateway::v1 as wire;
use crate::proto::gateway::v1::catalogue_server::Catalogue;

#[tonic::async_trait]
impl Catalogue for Services {
    async fn list_facts(
        &self,
        _: Request<wire::ListFactsRequest>,
    ) -> Result<Response<wire::ListFactsResponse>, Status> {
        let facts = self.gateway.in_force().catalogue.facts().map(fact).collect();
        Ok(Response::new(wire::ListFactsResponse { facts }))
    }

    async fn list_items(
        &self,
        _: Request<wire::ListItemsRequest>,
    ) -> Result<Response<wire::ListItemsResponse>, Status> {
        let items = self.gateway.in_force().catalogue.items().map(item).collect();
        Ok(Response::new(wire::ListItemsResponse { items }))
    }

    async fn list_agreements(
        &self,
        request: Request<wire::ListAgreementsRequest>,
    ) -> Result<Response<wire::ListAgreementsResponse>, Status> {
        let (peer, at) = (peer(&request)?, now());
        let in_force = self.gateway.in_force();
        // An unregistered caller is party to nothing.
        let own = peer.rights(&in_force.register).ok().and_then(|_| peer.organisation());
        let agreements = in_force
            .agreements
            .all()
            .iter()
            .filter(|agreement| {
                own.is_some_and(|own| agreement.consumer == *own || agreement.provider == *own)
            })
            .map(|agreement| summary(agreement, in_force.agreements.state(agreement, at)))
            .collect();
        Ok(Response::new(wire::ListAgreementsResponse { agreements }))
    }

    async fn get_readiness(
        &self,
        request: Request<wire::GetReadinessRequest>,
    ) -> Result<Response<wire::GetReadinessResponse>, Status> {
        readiness::get(self, request).await
    }
}

fn fact(fact: &Fact) -> wire::Fact {
    let role = |role: &crate::catalogue::Role| wire::Role {
        name: role.name.clone(),
        kind: role.kind.clone(),
        optional: role.optional,
        many: role.many,
    };
    let attribute = |attribute: &crate::catalogue::Attribute| {
        let codes = match &attribute.kind {
            AttributeKind::Code(codes) => codes.clone(),
            _ => Vec::new(),
        };
        wire::Attribute {
            name: attribute.name.clone(),
            r#type: attribute.kind.name().to_owned(),
            title_zh: attribute.title_zh.clone(),
            codes,
        }
    };
    wire::Fact {
        code: fact.code.as_str().to_owned(),
        version: fact.version.clone(),
        title: fact.title.clone(),
        title_zh: fact.title_zh.clone(),
        agency: fact.agency.as_str().to_owned(),
        roles: fact.roles.iter().map(role).collect(),
        attributes: fact.attributes.iter().map(attribute).collect(),
    }
}

fn item(item: &Item) -> wire::Item {
    wire::Item {
        code: item.code.as_str().to_owned(),
        version: item.version.clone(),
        title: item.title.clone(),
        title_zh: item.title_zh.clone(),
        effective_from: item.effective_from.clone(),
        effective_to: item.effective_to.clone(),
        facts: item.facts.iter().map(|fact| fact.as_str().to_owned()).collect(),
        materials: item.materials.keys().cloned().collect(),
    }
}

fn summary(agreement: &Agreement, state: State) -> wire::AgreementSummary {
    let mut facts: Vec<String> =
        agreement.clauses.iter().map(|clause| clause.fact.as_str().to_owned()).collect();
    let mut items: Vec<String> = agreement
        .clauses
        .iter()
        .flat_map(|clause| clause.items.iter().map(|item| item.as_str().to_owned()))
        .collect();
    for list in [&mut facts, &mut items] {
        list.sort_unstable();
        list.dedup();
    }
    let (state, halted_by) = match state {
        State::InForce => (wire::AgreementState::InForce, None),
        State::NotYetBegun => (wire::AgreementState::NotYetBegun, None),
        State::Expired => (wire::AgreementState::Expired, None),
        State::Superseded => (wire::AgreementState::Superseded, None),
        State::Suspended(by) => (wire::AgreementState::Suspended, Some(by)),
        State::Revoked(by) => (wire::AgreementState::Revoked, Some(by)),
    };
    wire::AgreementSummary {
        id: agreement.id.clone(),
        version: agreement.version,
        consumer: agreement.consumer.as_str().to_owned(),
        provider: agreement.provider.as_str().to_owned(),
        effective_from: Some(crate::wire::timestamp(agreement.effective_from)),
        effective_to: Some(crate::wire::timestamp(agreement.effective_to)),
        state: state.into(),
        halted_by: halted_by.map(|by| by.as_str().to_owned()).unwrap_or_default(),
        facts,
        items,
        digest: hex(&agreement.digest),
    }
}
