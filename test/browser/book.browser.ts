import { join } from "node:path";
import type { Locator, Page } from "playwright-core";
import { expect, test } from "vitest";
import { addPartner, describeConsole } from "./console-page.ts";

const screenshot = join(import.meta.dirname, "console.png");

describeConsole("the partner book of the console in a browser", (open) => {
  test("is what a person comes to: adds a partner, and goes on with it", async () => {
    const { page } = await open({}, "");
    await page.getByText("The book is empty. Add a partner.").waitFor();
    await page.getByRole("link", { name: "Add a partner" }).click();
    await focused(page.getByRole("heading", { name: "A new partner" }));
    await page.getByRole("button", { name: "Add the partner" }).click();
    await page.getByText("11 fields break a rule. Nothing was saved.").waitFor();
    await page.locator('[id="field-company_name"][aria-invalid=true]:focus').waitFor();
    await page.getByRole("button", { name: "Fill with examples" }).click();
    await page.getByLabel("Company name").fill("Łódź & Söhne <b>");
    await page.getByRole("button", { name: "Add the partner" }).click();
    await focused(page.getByRole("heading", { name: "Łódź & Söhne <b>" }));
    const row = page.getByRole("listitem").filter({ hasText: "Łódź & Söhne <b>" });
    expect(await row.innerText()).toMatch(
      /customer · 150,000 a year · New York, US\s+not connected/,
    );
    await page.getByRole("link", { name: "Close the partner" }).click();
    await focused(row.getByRole("link"));
  });

  test("adds one partner where the answer was lost and a person saves again", async () => {
    const { page } = await open({}, "Book/new");
    await page.getByLabel("Organization").selectOption("Cedar Foods");
    await page.getByRole("link", { name: "Add a partner" }).click();
    await page.getByRole("button", { name: "Fill with examples" }).click();
    let lost = 0;
    await page.route("**/CreatePartner", async (route) => {
      await route.fetch();
      lost += 1;
      await (lost === 1 ? route.abort() : route.fallback());
    });
    await page.getByRole("button", { name: "Add the partner" }).click();
    await page.getByText("The service cannot be reached.").waitFor();
    await page.getByRole("button", { name: "Add the partner" }).click();
    await focused(page.getByRole("heading", { name: "Example Supplies Ltd" }));
    expect(await page.locator(".book .badge").innerText()).toBe("1");
  });

  test("saves what was edited, discards it, and says where nothing was", async () => {
    const { page } = await open({}, "");
    await addPartner(page, "Edited Ltd");
    const save = page.getByRole("button", { name: "Save" });
    await save.click();
    await page.getByText("Nothing has been changed.").waitFor();
    await page.getByLabel("City").fill("Bergen");
    const discard = page.getByRole("button", { name: "Discard changes" });
    await discard.click();
    await focused(discard);
    expect(await page.getByLabel("City").inputValue()).toBe("New York");
    await page.getByLabel("City").fill("Oslo");
    await page.getByLabel("Country code").fill("");
    const sent = page.waitForRequest(/UpdatePartner$/);
    await save.press("Enter");
    expect((await sent).postDataJSON()).toEqual({
      partner: { id: expect.any(String), city: "Oslo", etag: expect.any(String) },
      updateMask: "city,countryCode",
    });
    await page.getByText("Saved.").waitFor();
    await focused(save);
    await page.getByRole("listitem").getByText("customer · 150,000 a year · Oslo").waitFor();
    await page.getByLabel("City").fill("");
    await save.click();
    await page.getByText("A field breaks a rule. Nothing was saved.").waitFor();
    await page.locator('[id="field-city"][aria-invalid=true]:focus').waitFor();
  });

  test("tells a person who edits what somebody else has changed, with both values", async () => {
    const [{ page }, { page: other }] = [await open({}, ""), await open({}, "")];
    await addPartner(page, "Contested Ltd");
    await other.getByRole("link", { name: "Contested Ltd" }).click();
    await page.getByLabel("City").fill("Oslo");
    await other.getByLabel("City").fill("Bergen");
    await other.getByLabel("Frequency").fill("weekly");
    await other.getByRole("button", { name: "Save" }).click();
    await other.getByText("Saved.").waitFor();
    await page.getByText("City: yours is “Oslo”, in the book is “Bergen”.").waitFor();
    expect(await page.getByLabel("Frequency").inputValue()).toBe("weekly");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved.").waitFor();
    await expect.poll(() => other.getByLabel("City").inputValue()).toBe("Oslo");

    // Where the news did not come through, the service says it; and a person takes the other's value.
    await page.route("**/GetPartner", (route) => route.abort());
    await other.getByLabel("City").fill("Bodø");
    await other.getByRole("button", { name: "Save" }).click();
    await other.getByText("Saved.").waitFor();
    await page.getByText("The service cannot be reached.").waitFor();
    await page.getByLabel("City").fill("Narvik");
    await page.unrouteAll();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("City: yours is “Narvik”, in the book is “Bodø”.").waitFor();
    await page.getByRole("button", { name: "Take the city that is in the book" }).click();
    await focused(page.getByLabel("City"));
    expect(await page.getByLabel("City").inputValue()).toBe("Bodø");
    expect(await page.locator(".conflicts").innerText()).toBe("");
  });

  test("keeps what was typed and not saved, while a person looks elsewhere", async () => {
    const { page } = await open({}, "");
    await addPartner(page, "Half-edited Ltd");
    await page.getByLabel("City").fill("Oslo");
    await page.getByRole("link", { name: "Add a partner" }).click();
    await page.getByLabel("Company name").fill("Half-added Ltd");
    await page.getByRole("link", { name: "RPC forms" }).click();
    await page.getByRole("link", { name: "Partner book" }).click();
    await page.getByRole("link", { name: "Add a partner" }).click();
    expect(await page.getByLabel("Company name").inputValue()).toBe("Half-added Ltd");
    await page.getByRole("link", { name: "Half-edited Ltd" }).click();
    await page.locator("button[aria-disabled=false]", { hasText: "Discard changes" }).waitFor();
    expect(await page.getByLabel("City").inputValue()).toBe("Oslo");
  });

  test("moves nobody by an answer that comes late", async () => {
    const { page } = await open({}, "Book/new");
    await page.getByRole("button", { name: "Fill with examples" }).click();
    await page.getByLabel("Company name").fill("Late Ltd");
    const held = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    await page.route("**/CreatePartner", async (route) => {
      asked.resolve();
      await held.promise;
      await route.continue();
    });
    await page.getByRole("button", { name: "Add the partner" }).click();
    await asked.promise;
    await page.getByLabel("Organization").selectOption("Dogwood Tools");
    await page.getByRole("heading", { name: /^Partners in the book of Dogwood/ }).waitFor();
    const answered = page.waitForResponse(/CreatePartner$/);
    const asks = page.waitForRequest(/ListPartners$/);
    held.resolve();
    await answered;
    await asks;
    expect(new URL(page.url()).hash).toBe("#Book");
    expect(await page.getByText("Late Ltd").count()).toBe(0);
  });

  test("deletes a partner after a question, and goes on in the book", async () => {
    const { page } = await open({}, "");
    await addPartner(page, "Short-lived Ltd");
    const remove = page.getByRole("button", { name: "Delete…" });
    await remove.click();
    await page.getByRole("dialog", { name: "Delete Short-lived Ltd?" }).waitFor();
    await page.getByRole("button", { name: "Keep it as it is" }).click();
    await focused(remove);
    await remove.click();
    await page.getByRole("button", { name: "Delete the partner" }).click();
    await page.getByText(/Short-lived Ltd has been deleted|has deleted Short-lived Ltd/).waitFor();
    await focused(page.getByRole("heading", { name: /^Partners in the book of Alder Trading/ }));
    await page.getByRole("link", { name: "Short-lived Ltd" }).waitFor({ state: "detached" });
  });

  test("finds partners by name, and says where there is none", async () => {
    const { page } = await open({}, "");
    await addPartner(page, "Needle Ltd");
    await page.getByRole("searchbox").fill("needle");
    await expect.poll(() => page.locator(".rows li").count()).toBe(1);
    await page.getByRole("searchbox").fill("no such");
    await page.getByText("No partner's name or e-mail address has that in it.").waitFor();
  });

  test("shows what another window changes, as it changes, and who does it", async () => {
    const [{ page: watching }, { page: writing }] = [await open({}, ""), await open({}, "")];
    const told = expect.poll(() => watching.locator(".book [role=status]").innerText());
    await writing.getByLabel("Person").fill("bob");
    await addPartner(writing, "From another window");
    await watching.getByRole("link", { name: "From another window" }).waitFor();
    await told.toBe("bob has added From another window.");
    await writing.getByLabel("Person").fill("carol");
    await writing.getByLabel("City").fill("Oslo");
    await writing.getByRole("button", { name: "Save" }).click();
    await told.toBe("carol has changed From another window.");
    await writing.getByRole("button", { name: "Delete…" }).click();
    await writing.getByRole("button", { name: "Delete the partner" }).click();
    await told.toBe("carol has deleted From another window.");
    await watching
      .getByRole("link", { name: "From another window" })
      .waitFor({ state: "detached" });
  });

  test("names another organization where that has changed the book, and nobody to a host", async () => {
    const [{ page: own }, { page: host }] = [await open({}, ""), await open({}, "")];
    const told = (page: Page) => expect.poll(() => page.locator(".book [role=status]").innerText());
    await own.getByLabel("Organization").selectOption("Cedar Foods");
    await own.getByRole("heading", { name: /^Partners in the book of Cedar/ }).waitFor();
    await host.getByLabel("Organization").selectOption("Cedar Foods");
    await host.getByLabel("Host").check();
    await host.getByRole("button", { name: /^Connect them/ }).click();
    await told(own).toBe("Dogwood Tools has changed Dogwood Tools.");

    await host.getByLabel("Self").check();
    const watched = host.waitForResponse(/WatchPartnerChanges$/);
    await host.getByLabel("Host").check();
    await host.getByRole("heading", { name: /^Partners in the book of Dogwood/ }).waitFor();
    await watched;
    await own.getByLabel("Organization").selectOption("Dogwood Tools");
    await addPartner(own, "Read by a host");
    await told(host).toBe("Read by a host has been added.");
    await own.getByRole("button", { name: "Delete…" }).click();
    await own.getByRole("button", { name: "Delete the partner" }).click();
    await told(host).toBe("Read by a host has been deleted.");

    await own.getByRole("link", { name: "Connections", exact: true }).click();
    await own.getByRole("button", { name: "End…" }).click();
    await own.getByRole("button", { name: "End the connection" }).click();
    await own.getByText("Cedar Foods reads the book of Dogwood Tools no more.").waitFor();
  });

  test("says that the service cannot be reached, and looks again when asked to", async () => {
    const { page } = await open({}, "");
    await page.route("**/partner.v1.PartnerService/*", (route) => route.abort());
    await page.getByLabel("Organization").selectOption("Birch Supply");
    await page.getByText("The book cannot be shown. The service cannot be reached.").waitFor();
    await page.unrouteAll();
    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator(".book .badge").waitFor();
    await focused(page.getByRole("heading", { name: /^Partners in the book of Birch/ }));
  });

  test("takes a partner into the forms of the RPCs", async () => {
    const { page, send, outcome } = await open({}, "");
    await addPartner(page, "Formal Ltd");
    await page.getByRole("button", { name: "Use in the RPC forms" }).click();
    await page.getByRole("heading", { name: "UpdatePartner" }).waitFor();
    await page.locator("main:focus").waitFor();
    expect(await page.getByLabel("Company name").inputValue()).toBe("Formal Ltd");
    await page.getByLabel("City").fill("Boston");
    await send();
    expect(await outcome()).toMatch(/^200 OK/);
  });

  test("lets a person live both sides of a connection", async () => {
    const { page } = await open({ permissions: ["clipboard-read", "clipboard-write"] }, "");
    const connections = page.getByRole("link", { name: "Connections", exact: true });
    const organization = page.getByRole("combobox", { name: "Organization" });
    const invitation = page.getByRole("textbox", { name: "Invitation" });

    await addPartner(page, "Birch Supply");
    await page.getByText("Not connected: no invitation is pending.").waitFor();
    await page.getByRole("button", { name: "Invite" }).click();
    await page.getByText(/^Invitation pending until \w+ \d+, \d+/).waitFor();
    await focused(page.getByRole("button", { name: "Invite again" }));
    await page.getByRole("button", { name: "Revoke the invitation" }).click();
    await focused(page.getByText("The invitation is void."));
    await page.getByText("Not connected: no invitation is pending.").waitFor();
    await page.getByRole("button", { name: "Invite" }).click();
    await page.getByRole("button", { name: "Copy the invitation" }).click();
    await page.getByText(/^Copied\. /).waitFor();
    const copied: string = await page.evaluate("navigator.clipboard.readText()");

    await organization.selectOption("Birch Supply");
    await connections.click();
    await invitation.fill("something else");
    await page.getByRole("button", { name: "Look at it" }).click();
    await page.getByText(/^That is no invitation/).waitFor();
    await invitation.fill(copied);
    await page.getByRole("button", { name: "Look at it" }).click();
    await page.getByText("Nothing is accepted yet.").waitFor();
    const facts = await page.locator(".facts-list").innerText();
    expect(facts.replaceAll(/\s+/g, " ")).toMatch(
      /^Who invites Alder Trading \S+ As what its customer Until .* Alder Trading reads all partners of your book, until either side ends it: GetPartner, ListPartners/,
    );
    await page.getByRole("button", { name: "Accept" }).click();
    await focused(
      page.getByText("Accepted: Alder Trading reads the book of Birch Supply from now on."),
    );
    await page.getByText(/^as its customer · since/).waitFor();

    await organization.selectOption("Alder Trading");
    await page.getByText("Alder Trading reads the book of Birch Supply").waitFor();
    await page.getByRole("button", { name: "Open the book of Birch Supply" }).click();
    await page.locator("main:focus").waitFor();
    await page.getByText("The book is empty.", { exact: true }).waitFor();
    expect(await page.getByRole("link", { name: "Add a partner" }).count()).toBe(0);

    await organization.selectOption("Birch Supply");
    await page.getByLabel("Self").check();
    await addPartner(page, "Only to be read");
    await page.getByRole("link", { name: "Close the partner" }).click();
    await organization.selectOption("Alder Trading");
    await page.getByLabel("Host").check();
    await page.getByRole("link", { name: "Only to be read" }).click();
    await page.getByText("Only Birch Supply changes what is in its book.").waitFor();
    expect(await page.getByRole("button", { name: /Save|Delete|Invite/ }).count()).toBe(0);

    await organization.selectOption("Birch Supply");
    await page.getByLabel("Self").check();
    await connections.click();
    await page.getByRole("button", { name: "End…" }).click();
    await page.getByRole("button", { name: "End the connection" }).click();
    await focused(page.getByText("Alder Trading reads the book of Birch Supply no more."));
    await page.getByText(/^There is none\. /).waitFor();

    await organization.selectOption("Alder Trading");
    await page.getByText(/^There is none\. /).waitFor();
    await page.getByLabel("Host").check();
    await page.getByRole("link", { name: "Partner book" }).click();
    await page.getByText(/^The book cannot be shown\. /).waitFor();
  });

  test("ends a connection from the host's partner, which stays in the book", async () => {
    const { page } = await open({}, "");
    await page.getByLabel("Organization").selectOption("Cedar Foods");
    await page.getByLabel("Host").check();
    await page.getByRole("button", { name: /^Connect them/ }).click();
    await page.getByText("Connected: Dogwood Tools is a guest of Cedar Foods.").waitFor();
    await page.getByLabel("Self").check();
    await page.getByRole("link", { name: "Dogwood Tools" }).click();
    await page.getByText(/^Connected with Dogwood Tools since/).waitFor();
    await page.getByRole("button", { name: "End the connection…" }).click();
    await page.getByRole("button", { name: "End the connection", exact: true }).click();
    await focused(page.getByText("The connection has ended."));
    await page.getByText("Not connected: no invitation is pending.").waitFor();
  });

  test.runIf(process.env.SCREENSHOT === "1")("has its picture taken for the README", async () => {
    const { page } = await open({ viewport: { width: 1440, height: 960 } }, "");
    await page.getByLabel("Organization").selectOption("Dogwood Tools");
    for (const name of ["Łódź & Söhne", "Nordic Timber AS", "Example Supplies Ltd"]) {
      await addPartner(page, name);
    }
    await page.getByRole("button", { name: "Invite" }).click();
    await page.locator(".rows").getByText("invitation pending").waitFor();
    await page.evaluate("scrollTo(0, 0)");
    await page.screenshot({ path: screenshot });
  });
});

/** Waits until the keyboard is there. */
async function focused(locator: Locator): Promise<void> {
  await locator.and(locator.page().locator(":focus")).waitFor();
}
