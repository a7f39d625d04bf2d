/** The organizations of the tests. Their UUIDs have letters, whose case is to mean nothing. */
export const acme = "aaaaaaaa-1111-4111-8111-111111111111";
export const globex = "bbbbbbbb-2222-4222-8222-222222222222";
export const initech = "cccccccc-3333-4333-8333-333333333333";
