/** The organizations of the tests. */
export const acme = "11111111-1111-4111-8111-111111111111";
export const globex = "22222222-2222-4222-8222-222222222222";
export const initech = "33333333-3333-4333-8333-333333333333";
