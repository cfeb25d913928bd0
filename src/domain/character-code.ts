/**
 * The code of a character, for loops over texts of any origin. Texts come in more kinds (read,
 * joined, cut out, from JSON) than V8 tells apart at one place: there `text.charCodeAt` is looked up
 * anew for each character, which was half of all packing; called like this it is not looked up.
 */
// eslint-disable-next-line @typescript-eslint/unbound-method -- `call` is bound to it here
export const characterCode = Function.prototype.call.bind(String.prototype.charCodeAt) as (
  text: string,
  index: number,
) => number;
