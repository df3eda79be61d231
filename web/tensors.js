/** Inputs of the networks. */

export const float32 = (data, ...dims) => ({ type: "float32", data, dims });
export const int64 = (value) => ({ type: "int64", data: BigInt64Array.of(BigInt(value)), dims: [1] });
