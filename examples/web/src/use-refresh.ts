import { createConnectQueryKey } from "@connectrpc/connect-query";
import { PartnerService } from "@partner-service/client";
import { useQueryClient } from "@tanstack/react-query";

/** Returns what has everything that is shown of partners read again. */
export function useRefresh(): () => Promise<void> {
  const queries = useQueryClient();
  const queryKey = createConnectQueryKey({ schema: PartnerService, cardinality: undefined });
  return () => queries.invalidateQueries({ queryKey });
}
