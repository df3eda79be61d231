/** A sentence for whoever looks at the page: what is wrong with the file or the browser, and what to do about it. */
export class Refusal extends Error {}
