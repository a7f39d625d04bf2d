import type { ConnectError, ConnectRouter, ContextValues } from "@connectrpc/connect";
import { createAsyncIterable } from "@connectrpc/connect/protocol";
import { errorToJsonBytes } from "@connectrpc/connect/protocol-connect";

/** Why a request is turned away by these statuses that is none of an RPC's protocols'. */
export const refusals: Readonly<Partial<Record<number, string>>> = {
  405: "The RPC is not served by this HTTP method.",
  415: "The RPC is not served in this media type.",
  505: "The RPC is not served over this version of HTTP.",
};

/**
 * Has the requests explained to their callers that Connect turns away without a word.
 *
 * @param toError makes the error of a status and a message, and may write down that it is the call's outcome
 */
export function explainRefusals(
  { handlers }: Pick<ConnectRouter, "handlers">,
  toError: (status: number, message: string, values: ContextValues | undefined) => ConnectError,
): void {
  for (const [index, handler] of handlers.entries()) {
    const explained: typeof handler = Object.assign(
      async (request: Parameters<typeof handler>[0]) => {
        const response = await handler(request);
        const refusal = refusals[response.status];
        if (refusal === undefined) {
          return response;
        }
        const error = toError(response.status, refusal, request.contextValues);
        if (request.method === "HEAD") {
          return response;
        }
        const header = new Headers(response.header);
        header.set("Content-Type", "application/json");
        const body = createAsyncIterable([errorToJsonBytes(error, undefined)]);
        return { ...response, header, body };
      },
      handler,
    );
    handlers[index] = explained;
  }
}
