/** Topics of `publications`: what must still be done, and about what. */

/** The account's header, and the profiles of all identities that lead to it. */
export const ACCOUNT_TOPIC = 'account';

/** A transfer that is not over; its subject is the transfer. */
export const TRANSFER_TOPIC = 'transfer';
