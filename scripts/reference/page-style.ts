/** The style of the reference's page: light or dark as the reader has it, for any width. */
export const pageStyle = `
:root { color-scheme: light dark; --line: light-dark(#d8dce3, #333a46); --soft: light-dark(#f4f6f9, #1b2029);
  --accent: light-dark(#0b57c2, #8ab8ff); }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem 1rem 4rem; font: 1rem/1.55 system-ui, sans-serif;
  color: light-dark(#1a1f28, #e4e8ef); background: light-dark(#fff, #12161d); overflow-wrap: break-word; }
h1 { margin: 0 0 .5rem; font-size: 1.9rem; }
h2 { margin: 3rem 0 .75rem; padding-top: 1rem; border-top: 1px solid var(--line); font-size: 1.4rem; }
h3 { margin: 1.5rem 0 .5rem; font-size: 1.05rem; }
p { max-width: 46rem; margin: .5rem 0; }
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding: 0; list-style: none; }
code, pre { font: .875em/1.5 ui-monospace, monospace; }
code { padding: .1em .3em; border-radius: .25em; background: var(--soft); }
pre { margin: .5rem 0; padding: .75rem 1rem; border-radius: .5rem; background: var(--soft); overflow-x: auto; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .925rem; }
th, td { padding: .45rem .75rem .45rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
td p { margin: 0; }
details { margin: .25rem 0; }
summary { cursor: pointer; padding: .25rem 0; }
`;
