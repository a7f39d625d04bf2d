// Keeps a copy of a book in step with Connect for Go, and ends after the first change that it is told of.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	partnerv1 "example.com/partner-client/gen/partner/v1"
	"example.com/partner-client/gen/partner/v1/partnerv1connect"
)

// book is the copy, and the token to go on from, which are kept together.
type book struct {
	partners map[string]*partnerv1.Partner
	token    string
}

func main() {
	ctx := context.Background()
	client := partnerv1connect.NewPartnerServiceClient(
		&http.Client{Transport: headers{}}, os.Getenv("PARTNER_URL"))
	copied := &book{partners: map[string]*partnerv1.Partner{}}
	copied.catchUp(ctx, client)

	if _, err := client.CreatePartner(ctx, examplePartner()); err != nil {
		log.Fatal(err)
	}
	for _, change := range copied.nextChanges(ctx, client) {
		fmt.Println(change.GetAuthor().GetSubject(), "changed", change.GetPartner().GetCompanyName())
	}
}

// catchUp takes what has changed since the token into the copy; at first that is the whole book.
func (copied *book) catchUp(ctx context.Context, client partnerv1connect.PartnerServiceClient) {
	for more := true; more; {
		response, err := client.ListPartnerChanges(ctx, &partnerv1.ListPartnerChangesRequest{
			ChangeToken: copied.token,
		})
		if err != nil {
			log.Fatal(err)
		}
		copied.take(response.GetChanges(), response.GetNextChangeToken())
		more = response.GetMore()
	}
}

// nextChanges waits for changes. A stream that ends is opened anew, and goes on from the token.
func (copied *book) nextChanges(
	ctx context.Context, client partnerv1connect.PartnerServiceClient,
) []*partnerv1.PartnerChange {
	for {
		stream, err := client.WatchPartnerChanges(ctx, &partnerv1.WatchPartnerChangesRequest{
			ChangeToken: copied.token,
		})
		for err == nil && stream.Receive() {
			copied.take(stream.Msg().GetChanges(), stream.Msg().GetNextChangeToken())
			if changes := stream.Msg().GetChanges(); len(changes) > 0 {
				_ = stream.Close()
				return changes
			}
		}
		if err == nil {
			err = stream.Err()
		}
		if connect.CodeOf(err) != connect.CodeUnavailable {
			log.Fatal(err)
		}
		time.Sleep(time.Second)
	}
}

func (copied *book) take(changes []*partnerv1.PartnerChange, token string) {
	for _, change := range changes {
		if partner := change.GetPartner(); partner != nil {
			copied.partners[partner.GetId()] = partner
		} else {
			delete(copied.partners, change.GetDeletedPartner().GetId())
		}
	}
	copied.token = token
}

// headers puts the token and the organizations on each call.
type headers struct{}

func (headers) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Authorization", "Bearer "+os.Getenv("PARTNER_TOKEN"))
	request.Header.Set("Requester-Organization-ID", os.Getenv("PARTNER_ORGANIZATION"))
	request.Header.Set("Target-Organization-ID", os.Getenv("PARTNER_ORGANIZATION"))
	return http.DefaultTransport.RoundTrip(request)
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
