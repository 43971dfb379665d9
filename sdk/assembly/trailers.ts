// Trailers: a header map that comes after the body. Trailers may also be *added* in the last body callback.
import * as map from "./abi/map";
import { HeaderView } from "./headers";

const REQUEST: HeaderView = new HeaderView(map.HTTP_REQUEST_TRAILERS);
const RESPONSE: HeaderView = new HeaderView(map.HTTP_RESPONSE_TRAILERS);

/** The trailers of one direction. */
export class Trailers {
  constructor(private view: HeaderView) {}

  /** All trailers. */
  get headers(): HeaderView {
    return this.view;
  }
}

const REQUEST_TRAILERS: Trailers = new Trailers(REQUEST);
const RESPONSE_TRAILERS: Trailers = new Trailers(RESPONSE);

/** Trailers of the effective stream's request. */
export function requestTrailers(): Trailers {
  return REQUEST_TRAILERS;
}
/** Trailers of the effective stream's response. */
export function responseTrailers(): Trailers {
  return RESPONSE_TRAILERS;
}
