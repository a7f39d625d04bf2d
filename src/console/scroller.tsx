import type { ComponentChildren } from "preact";

interface ScrollerProps {
  readonly label: string;
  readonly children: ComponentChildren;
}

/** What may be wider or longer than its place, and is scrolled there. */
export function Scroller({ label, children }: ScrollerProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be within reach of the keyboard.
    <section class="scroll" aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}
