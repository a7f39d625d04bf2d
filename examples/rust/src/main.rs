//! Creates a partner with tonic, and handles two refusals.

use std::env;
use std::error::Error;

use tonic::metadata::AsciiMetadataValue;
use tonic::service::Interceptor;
use tonic::transport::Endpoint;
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt;

use partner::v1::partner_service_client::PartnerServiceClient;
use partner::v1::{CreatePartnerRequest, CreatePartnerResponse, PartnerType};

mod partner {
    pub mod v1 {
        tonic::include_proto!("partner.v1");
    }
}
/// What the contract imports is looked for beside it.
mod google {
    pub mod rpc {
        tonic::include_proto!("google.rpc");
    }
}

/// Puts the token and the two organizations on each call.
#[derive(Clone)]
struct Headers {
    authorization: AsciiMetadataValue,
    requester: AsciiMetadataValue,
    target: AsciiMetadataValue,
}

impl Interceptor for Headers {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let metadata = request.metadata_mut();
        metadata.insert("authorization", self.authorization.clone());
        metadata.insert("requester-organization-id", self.requester.clone());
        metadata.insert("target-organization-id", self.target.clone());
        Ok(request)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let organization: AsciiMetadataValue = env::var("PARTNER_ORGANIZATION")?.parse()?;
    let headers = Headers {
        authorization: format!("Bearer {}", env::var("PARTNER_TOKEN")?).parse()?,
        requester: organization.clone(),
        target: organization,
    };
    let channel = Endpoint::new(env::var("PARTNER_URL")?)?.connect().await?;
    let mut client = PartnerServiceClient::with_interceptor(channel.clone(), headers.clone());

    report(client.create_partner(example_partner()).await)?;

    let without_city = CreatePartnerRequest {
        city: String::new(),
        ..example_partner()
    };
    report(client.create_partner(without_city).await)?;

    let another = AsciiMetadataValue::from_static("6f1c0b52-6f0e-4b7e-9d35-0c6f2f6c1a11");
    let headers = Headers {
        target: another,
        ..headers
    };
    let mut client = PartnerServiceClient::with_interceptor(channel, headers);
    report(client.create_partner(example_partner()).await)?;
    Ok(())
}

/// Prints what became of a call; returns the errors that this program does not expect.
fn report(result: Result<Response<CreatePartnerResponse>, Status>) -> Result<(), Status> {
    let status = match result {
        Ok(response) => {
            let partner = response.into_inner().partner.unwrap_or_default();
            let invitation = partner.invitation_status().as_str_name();
            let invitation = invitation
                .trim_start_matches("INVITATION_STATUS_")
                .to_lowercase();
            println!("created {} {invitation}", partner.company_name());
            return Ok(());
        }
        Err(status) => status,
    };
    let details = status.get_error_details();
    let reason = details.error_info().map_or("", |info| &info.reason);
    match (status.code(), details.bad_request()) {
        (Code::InvalidArgument, Some(bad_request)) => {
            for violation in &bad_request.field_violations {
                println!("invalid_argument {reason} {}", violation.field);
            }
        }
        (Code::PermissionDenied, _) => println!("permission_denied {reason}"),
        _ => return Err(status),
    }
    Ok(())
}

fn example_partner() -> CreatePartnerRequest {
    CreatePartnerRequest {
        company_name: "Example Supplies Ltd".into(),
        sales_amount: Some(150_000),
        partner_type: PartnerType::Customer.into(),
        email: "partner@example.com".into(),
        frequency: "monthly".into(),
        payment_terms: "Net 30".into(),
        address: "123 Main St, Suite 400".into(),
        city: "New York".into(),
        state: "NY".into(),
        postal_code: "12345".into(),
        company_registration_number: "123456789".into(),
        country_code: Some("US".into()),
        ..Default::default()
    }
}
