mkdir partners-go && cd partners-go
go mod init example.com/partners
go get -tool google.golang.org/protobuf/cmd/protoc-gen-go connectrpc.com/connect/cmd/protoc-gen-connect-go
curl -s "$PARTNER_URL/protos.tar" | tar -x
cat > buf.gen.yaml <<'END'
version: v2
inputs:
  - directory: proto
    exclude_paths: [proto/google]
managed:
  enabled: true
  disable:
    - path: google
      file_option: go_package
  override:
    - file_option: go_package_prefix
      value: example.com/partners/gen
plugins:
  - local: [go, tool, protoc-gen-go]
    out: gen
    opt: paths=source_relative
  - local: [go, tool, protoc-gen-connect-go]
    out: gen
    opt: [paths=source_relative, simple]
END
buf generate
cat > main.go <<'END'
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"

	"google.golang.org/protobuf/proto"

	partnerv1 "example.com/partners/gen/partner/v1"
	"example.com/partners/gen/partner/v1/partnerv1connect"
)

// caller puts the requester, its token and the target on each call.
type caller struct{ token, requester, target string }

func (c caller) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Requester-Organization-ID", c.requester)
	request.Header.Set("Target-Organization-ID", c.target)
	return http.DefaultTransport.RoundTrip(request)
}

func clientOf(token, requester, target string) partnerv1connect.PartnerServiceClient {
	client := &http.Client{Transport: caller{token, requester, target}}
	return partnerv1connect.NewPartnerServiceClient(client, os.Getenv("PARTNER_URL"))
}

var (
	ctx          = context.Background()
	organization = os.Getenv("PARTNER_ORGANIZATION")
	client       = clientOf(os.Getenv("PARTNER_TOKEN"), organization, organization)
	// Another organization, which is invited and accepts.
	guestOrganization = os.Getenv("PARTNER_GUEST")
	guest             = clientOf(os.Getenv("PARTNER_GUEST_TOKEN"), guestOrganization, organization)
)

func main() {
CREATE_PARTNER
// The other calls of this page go here, one after the other.
}
END
go mod tidy && gofmt -w main.go && go run .
