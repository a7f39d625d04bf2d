package com.example;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.MetadataUtils;
import java.net.URI;
import partner.v1.PartnerOuterClass.Partner;
import partner.v1.PartnerOuterClass.PartnerType;
import partner.v1.PartnerServiceGrpc;
import partner.v1.PartnerServiceGrpc.PartnerServiceBlockingStub;
import partner.v1.PartnerServiceOuterClass.CreatePartnerRequest;

/** Creates a partner with grpc-java, and handles two refusals. */
public final class PartnerClient {
  public static void main(String[] arguments) throws InvalidProtocolBufferException {
    String token = System.getenv("PARTNER_TOKEN");
    String organization = System.getenv("PARTNER_ORGANIZATION");
    ManagedChannel channel = openChannel(URI.create(System.getenv("PARTNER_URL")));
    try {
      var client = newClient(channel, token, organization, organization);
      report(client, examplePartner());

      report(client, examplePartner().toBuilder().clearCity().build());

      String another = "6f1c0b52-6f0e-4b7e-9d35-0c6f2f6c1a11";
      report(newClient(channel, token, organization, another), examplePartner());
    } finally {
      channel.shutdownNow();
    }
  }

  private static ManagedChannel openChannel(URI address) {
    var builder = ManagedChannelBuilder.forTarget(address.getAuthority());
    if (address.getScheme().equals("http")) {
      builder.usePlaintext();
    }
    return builder.build();
  }

  /** A client that puts the token and the organizations on each call. */
  private static PartnerServiceBlockingStub newClient(
      ManagedChannel channel, String token, String requester, String target) {
    var headers = new Metadata();
    headers.put(header("authorization"), "Bearer " + token);
    headers.put(header("requester-organization-id"), requester);
    headers.put(header("target-organization-id"), target);
    return PartnerServiceGrpc.newBlockingStub(channel)
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  private static Metadata.Key<String> header(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }

  /** Prints what becomes of a call. Throws the errors that this program does not expect. */
  private static void report(PartnerServiceBlockingStub client, CreatePartnerRequest request)
      throws InvalidProtocolBufferException {
    try {
      Partner partner = client.createPartner(request).getPartner();
      String invitation =
          partner.getInvitationStatus().name().replaceFirst("^INVITATION_STATUS_", "");
      print("created", partner.getCompanyName(), invitation.toLowerCase());
    } catch (StatusRuntimeException failure) {
      reportFailure(failure);
    }
  }

  private static void reportFailure(StatusRuntimeException failure)
      throws InvalidProtocolBufferException {
    String reason = detail(failure, ErrorInfo.getDefaultInstance()).getReason();
    switch (failure.getStatus().getCode()) {
      case INVALID_ARGUMENT -> {
        BadRequest badRequest = detail(failure, BadRequest.getDefaultInstance());
        for (var violation : badRequest.getFieldViolationsList()) {
          print("invalid_argument", reason, violation.getField());
        }
      }
      case PERMISSION_DENIED -> print("permission_denied", reason);
      default -> throw failure;
    }
  }

  /** The failure's detail of the given one's type, or else the given one. */
  private static <T extends Message> T detail(StatusRuntimeException failure, T absent)
      throws InvalidProtocolBufferException {
    for (Any detail : StatusProto.fromThrowable(failure).getDetailsList()) {
      if (detail.isSameTypeAs(absent)) {
        return detail.unpackSameTypeAs(absent);
      }
    }
    return absent;
  }

  private static void print(String... words) {
    System.out.println(String.join(" ", words));
  }

  private static CreatePartnerRequest examplePartner() {
    return CreatePartnerRequest.newBuilder()
        .setCompanyName("Example Supplies Ltd")
        .setSalesAmount(150_000)
        .setPartnerType(PartnerType.PARTNER_TYPE_CUSTOMER)
        .setEmail("partner@example.com")
        .setFrequency("monthly")
        .setPaymentTerms("Net 30")
        .setAddress("123 Main St, Suite 400")
        .setCity("New York")
        .setState("NY")
        .setPostalCode("12345")
        .setCompanyRegistrationNumber("123456789")
        .setCountryCode("US")
        .build();
  }
}
