interface PageNavProps {
  /** The page that is shown. */
  readonly page: string;
  /** The RPC whose form was shown last. */
  readonly rpc: string;
}

/** The pages to work in, and the forms of the RPCs for whoever builds against them. */
export function PageNav({ page, rpc }: PageNavProps) {
  const pages = [
    { name: "Book", label: "Partner book" },
    { name: "Import", label: "Import" },
    { name: "Connections", label: "Connections" },
    { name: rpc, label: "RPC forms" },
  ];
  return (
    <nav class="pages" aria-label="Pages">
      <ul>
        {pages.map(({ name, label }) => (
          <li key={label}>
            <a href={`#${name}`} aria-current={name === page ? "page" : undefined}>
              {label}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}
