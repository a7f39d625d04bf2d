import { subscribe, unsubscribe } from "node:diagnostics_channel";

/**
 * Listens to a channel.
 *
 * @param Event what the channel is published with.
 * @returns what ends it
 */
export function listen<Event>(channel: string, listener: (event: Event) => void): () => void {
  const onMessage = (message: unknown) => listener(message as Event);
  subscribe(channel, onMessage);
  return () => {
    unsubscribe(channel, onMessage);
  };
}
