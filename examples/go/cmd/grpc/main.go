// Creates a partner with grpc-go, and handles two refusals.
package main

import (
	"context"
	"fmt"
	"log"
	"net/url"
	"os"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	partnerv1 "example.com/partner-client/gen/partner/v1"
)

func main() {
	ctx := context.Background()
	organization := os.Getenv("PARTNER_ORGANIZATION")

	client := newClient(organization)
	report(client.CreatePartner(ctx, examplePartner()))

	withoutCity := examplePartner()
	withoutCity.City = ""
	report(client.CreatePartner(ctx, withoutCity))

	client = newClient("6f1c0b52-6f0e-4b7e-9d35-0c6f2f6c1a11")
	report(client.CreatePartner(ctx, examplePartner()))
}

// newClient returns a client that puts the token and the organizations on each call.
func newClient(target string) partnerv1.PartnerServiceClient {
	address, err := url.Parse(os.Getenv("PARTNER_URL"))
	if err != nil {
		log.Fatal(err)
	}
	transport := credentials.NewTLS(nil)
	if address.Scheme == "http" {
		transport = insecure.NewCredentials()
	}
	headers := func(
		ctx context.Context, method string, request, response any,
		connection *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption,
	) error {
		ctx = metadata.AppendToOutgoingContext(ctx,
			"authorization", "Bearer "+os.Getenv("PARTNER_TOKEN"),
			"requester-organization-id", os.Getenv("PARTNER_ORGANIZATION"),
			"target-organization-id", target,
		)
		return invoke(ctx, method, request, response, connection, options...)
	}
	connection, err := grpc.NewClient(
		address.Host,
		grpc.WithTransportCredentials(transport),
		grpc.WithUnaryInterceptor(headers),
	)
	if err != nil {
		log.Fatal(err)
	}
	return partnerv1.NewPartnerServiceClient(connection)
}

// report prints what became of a call. An error that this program does not expect ends it.
func report(response *partnerv1.CreatePartnerResponse, err error) {
	if err == nil {
		partner := response.GetPartner()
		invitation := strings.TrimPrefix(partner.GetInvitationStatus().String(), "INVITATION_STATUS_")
		fmt.Println("created", partner.GetCompanyName(), strings.ToLower(invitation))
		return
	}
	info, badRequest := details(err)
	switch status.Code(err) {
	case codes.InvalidArgument:
		for _, violation := range badRequest.GetFieldViolations() {
			fmt.Println("invalid_argument", info.GetReason(), violation.GetField())
		}
	case codes.PermissionDenied:
		fmt.Println("permission_denied", info.GetReason())
	default:
		log.Fatal(err)
	}
}

// details returns what the service says about an error besides its code and message.
func details(err error) (info *errdetails.ErrorInfo, badRequest *errdetails.BadRequest) {
	for _, detail := range status.Convert(err).Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			info = detail
		case *errdetails.BadRequest:
			badRequest = detail
		}
	}
	return info, badRequest
}

func examplePartner() *partnerv1.CreatePartnerRequest {
	return &partnerv1.CreatePartnerRequest{
		CompanyName:               "Example Supplies Ltd",
		SalesAmount:               proto.Int32(150000),
		PartnerType:               partnerv1.PartnerType_PARTNER_TYPE_CUSTOMER,
		Email:                     "partner@example.com",
		Frequency:                 "monthly",
		PaymentTerms:              "Net 30",
		Address:                   "123 Main St, Suite 400",
		City:                      "New York",
		State:                     "NY",
		PostalCode:                "12345",
		CompanyRegistrationNumber: "123456789",
		CountryCode:               proto.String("US"),
	}
}
