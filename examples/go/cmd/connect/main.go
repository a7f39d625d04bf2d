// Creates a partner with Connect for Go, and handles two refusals.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"

	partnerv1 "example.com/partner-client/gen/partner/v1"
	"example.com/partner-client/gen/partner/v1/partnerv1connect"
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
func newClient(target string) partnerv1connect.PartnerServiceClient {
	headers := connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
		return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
			request.Header().Set("Authorization", "Bearer "+os.Getenv("PARTNER_TOKEN"))
			request.Header().Set("Requester-Organization-ID", os.Getenv("PARTNER_ORGANIZATION"))
			request.Header().Set("Target-Organization-ID", target)
			return next(ctx, request)
		}
	})
	return partnerv1connect.NewPartnerServiceClient(
		http.DefaultClient,
		os.Getenv("PARTNER_URL"),
		connect.WithInterceptors(headers),
	)
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
	switch connect.CodeOf(err) {
	case connect.CodeInvalidArgument:
		for _, violation := range badRequest.GetFieldViolations() {
			fmt.Println("invalid_argument", info.GetReason(), violation.GetField())
		}
	case connect.CodePermissionDenied:
		fmt.Println("permission_denied", info.GetReason())
	default:
		log.Fatal(err)
	}
}

// details returns what the service says about an error besides its code and message.
func details(err error) (info *errdetails.ErrorInfo, badRequest *errdetails.BadRequest) {
	var connectErr *connect.Error
	if !errors.As(err, &connectErr) {
		return nil, nil
	}
	for _, detail := range connectErr.Details() {
		value, err := detail.Value()
		if err != nil {
			continue // Of a type that this program does not know.
		}
		switch value := value.(type) {
		case *errdetails.ErrorInfo:
			info = value
		case *errdetails.BadRequest:
			badRequest = value
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
