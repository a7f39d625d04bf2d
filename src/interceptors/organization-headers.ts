/** The header that names the organization that calls. */
export const requesterHeader = "Requester-Organization-ID";
/** The header that names the organization whose book the call is about. */
export const targetHeader = "Target-Organization-ID";
