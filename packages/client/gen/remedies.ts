// Written by `npm run generate` from the options of ErrorReason.

/** The reasons that a repetition mends. */
export const repeatActions = {
  "DATABASE_UNAVAILABLE": "REPEAT_IF_SAFE",
  "AUTHENTICATION_UNAVAILABLE": "REPEAT",
  "OVERLOADED": "REPEAT",
  "RATE_LIMITED": "REPEAT",
  "AUDIT_UNAVAILABLE": "REPEAT_IF_SAFE",
  "STREAM_CLOSED": "REPEAT_IF_SAFE"
} as const;

/** What to do about each reason. */
export const remedies = {
  "ACCESS_TOKEN_MISSING": {
    "action": "CORRECT",
    "text": "the Authorization header, by sending an access token"
  },
  "ACCESS_TOKEN_INVALID": {
    "action": "ASK",
    "text": "who issues the access tokens for one that this service accepts"
  },
  "ACCESS_TOKEN_EXPIRED": {
    "action": "CORRECT",
    "text": "the access token, by getting a new one, and make the same call"
  },
  "ORGANIZATION_HEADER_MISSING": {
    "action": "CORRECT",
    "text": "the headers, by sending the one that is missing"
  },
  "ORGANIZATION_HEADER_INVALID": {
    "action": "CORRECT",
    "text": "the header that is named"
  },
  "REQUESTER_NOT_AUTHORIZED": {
    "action": "ASK",
    "text": "who issues the access tokens for one that speaks for the requester"
  },
  "SCENARIO_NOT_ALLOWED": {
    "action": "ASK",
    "text": "the target organization to connect with the requester, if the RPC admits those who are"
  },
  "SCOPE_MISSING": {
    "action": "ASK",
    "text": "who issues the access tokens for one with the scope that is named"
  },
  "FIELD_INVALID": {
    "action": "CORRECT",
    "text": "the fields that the violations name"
  },
  "REQUEST_ID_REUSED": {
    "action": "CORRECT",
    "text": "the `request_id`, by taking a new one, if the partner is wanted as it is sent now"
  },
  "DATABASE_UNAVAILABLE": {
    "action": "REPEAT_IF_SAFE",
    "text": "after the time that `google.rpc.RetryInfo` says"
  },
  "AUTHENTICATION_UNAVAILABLE": {
    "action": "REPEAT",
    "text": "after the time that `google.rpc.RetryInfo` says"
  },
  "PARTNER_NOT_FOUND": {
    "action": "CORRECT",
    "text": "the id, or the copy that it comes from"
  },
  "ETAG_MISMATCH": {
    "action": "CORRECT",
    "text": "the `etag`, by reading the partner and deciding again"
  },
  "GUEST_ALREADY_CONNECTED": {
    "action": "CORRECT",
    "text": "the partner that is meant, since the book has another one for that guest"
  },
  "INVITATION_INVALID": {
    "action": "ASK",
    "text": "the target organization for a new invitation"
  },
  "PARTNER_ALREADY_ACCEPTED": {
    "action": "CORRECT",
    "text": "the partner that is meant, since this one is connected already"
  },
  "OVERLOADED": {
    "action": "REPEAT",
    "text": "after the time that `google.rpc.RetryInfo` says, with fewer calls at once"
  },
  "MESSAGE_TOO_LARGE": {
    "action": "CORRECT",
    "text": "the length of the message, a batch by making several of it"
  },
  "MESSAGE_MALFORMED": {
    "action": "CORRECT",
    "text": "the message"
  },
  "INVITATION_NOT_PENDING": {
    "action": "CORRECT",
    "text": "the partner that is meant, since nothing is to be revoked for this one"
  },
  "CONNECTION_NOT_FOUND": {
    "action": "CORRECT",
    "text": "the organization or the role, or the copy that they come from"
  },
  "RATE_LIMITED": {
    "action": "REPEAT",
    "text": "after the time that `google.rpc.RetryInfo` says, and less often"
  },
  "AUDIT_UNAVAILABLE": {
    "action": "REPEAT_IF_SAFE",
    "text": "after the time that `google.rpc.RetryInfo` says"
  },
  "DEADLINE_EXCEEDED": {
    "action": "CORRECT",
    "text": "the deadline, by giving the call more time, if it is safe to repeat"
  },
  "INTERNAL": {
    "action": "ASK",
    "text": "who runs the service, and name the `X-Request-Id`"
  },
  "RPC_NOT_FOUND": {
    "action": "CORRECT",
    "text": "the path"
  },
  "REQUEST_UNSUPPORTED": {
    "action": "CORRECT",
    "text": "the HTTP method or version, the `Content-Type` or the compression"
  },
  "REQUEST_MALFORMED": {
    "action": "CORRECT",
    "text": "the request"
  },
  "HEADERS_TOO_LARGE": {
    "action": "CORRECT",
    "text": "the length of the path and the headers"
  },
  "STREAM_CLOSED": {
    "action": "REPEAT_IF_SAFE",
    "text": "at once, by opening the stream anew"
  },
  "SERVICE_UNKNOWN": {
    "action": "CORRECT",
    "text": "the name of the service"
  },
  "EXTERNAL_ID_TAKEN": {
    "action": "CORRECT",
    "text": "the `external_id`, or update the partner that is named"
  },
  "CHANGE_TOKEN_EXPIRED": {
    "action": "CORRECT",
    "text": "the copy, by beginning anew without a token and taking what comes for the whole book"
  }
} as const;
