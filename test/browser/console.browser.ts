import type { Locator, Page } from "playwright-core";
import { expect, test } from "vitest";
import { type ConsolePage, describeConsole } from "./console-page.ts";

describeConsole("the RPC forms of the console in a browser", (open) => {
  test("creates a partner from the contract's examples, and shows all that came back", async () => {
    const { page, send, outcome } = await open();
    await page.getByLabel("Company name").fill("Łódź & Söhne <b>");
    await send();
    expect(await outcome()).toMatch(/^200 OK [\d.]+ ms$/);
    await page
      .getByText("CreatePartner, called by Alder Trading about the book of Alder Trading")
      .waitFor();
    expect(await page.locator(".answer pre").innerText()).toContain("Łódź & Söhne <b>");
    expect(await page.locator(".headers").innerText()).toContain("application/json");
  });

  test("stops a form that breaks a rule, says why beside the field, and moves the focus there", async () => {
    const { page, send, outcome } = await open();
    await page.getByLabel("City").fill("");
    await page.getByLabel("Country code").fill("usa");
    await page.getByRole("button", { name: "Send", exact: true }).click();

    await page.locator('[id="field-city"][aria-invalid=true]:focus').waitFor();
    expect(await describedBy(page.getByLabel("City"))).toBe(
      "city1–100 characters 0 / 100 value is required required",
    );
    expect(await describedBy(page.getByLabel("Country code"))).toContain("two capital letters");
    await beside(page).getByText("2 fields break a rule. Nothing was sent.").waitFor();
    expect(await page.locator(".outcome").count()).toBe(0);

    await page.getByRole("button", { name: "Send anyway" }).click();
    await page.locator(".outcome").waitFor();
    expect(await outcome()).toMatch(/^400 INVALID_ARGUMENT FIELD_INVALID/);
    expect(await beside(page).innerText()).toMatch(/^400 INVALID_ARGUMENT \S+/);
    expect(await page.getByText("Nothing was sent").count()).toBe(0);

    await page.getByText("Correct the fields that the violations name.").waitFor();
    await page.getByLabel("City").fill("Oslo");
    await page.getByLabel("Country code").fill("NO");
    await send();
    expect(await outcome()).toMatch(/^200 OK/);
  });

  test("shows a problem that only the service can know", async () => {
    const { page, send, outcome } = await open();
    await page.getByRole("link", { name: "ListPartners" }).click();
    await page.getByLabel("Page token").fill("not a token");
    await send();
    expect(await outcome()).toMatch(/^400 INVALID_ARGUMENT FIELD_INVALID/);
    await page.locator('[id="field-page_token"][aria-invalid=true]:focus').waitFor();
    await page.getByText(/^The service: /).waitFor();
  });

  test("connects two organizations, of which the host reads and the guest may not", async () => {
    const { page, send, outcome } = await open();
    await page.getByLabel("Host").check();
    const apart = "Not connected: Birch Supply has accepted no invitation of Alder Trading.";
    await page.getByText(apart).waitFor();
    expect(await page.getByLabel("Host").locator("..").innerText()).toMatch(
      /^Host\s+in the book of Birch Supply, as its host$/,
    );
    await page.getByRole("button", { name: /^Connect them/ }).click();
    await page
      .getByText("Connected: Birch Supply is a guest of Alder Trading.")
      .and(page.locator(":focus"))
      .waitFor();
    await page.getByRole("link", { name: "ListPartners" }).click();
    await send();
    expect(await outcome()).toMatch(/^200 OK/);

    await page.getByLabel("Organization").selectOption("Birch Supply");
    await page.getByLabel("Guest").check();
    await page.getByText("Connected: Birch Supply is a guest of Alder Trading.").waitFor();
    await page.getByRole("link", { name: /^CreatePartner.* refused as Guest$/ }).click();
    await page
      .getByText("As Guest, the service refuses this call, whatever the form holds.")
      .waitFor();
    await page.getByLabel("City").fill("");
    await send();
    expect(await outcome()).toMatch(/^403 PERMISSION_DENIED SCENARIO_NOT_ALLOWED/);
  });

  test("takes the partner of an answer into the other forms", async () => {
    const { page, send, outcome } = await open();
    await page.getByLabel("Organization").selectOption("Dogwood Tools");
    await send();
    await page.getByRole("link", { name: "UpdatePartner" }).click();
    await page.getByLabel("City").fill("Boston");
    await send();
    expect(await outcome()).toMatch(/^200 OK/);
    expect(await page.locator(".answer pre").innerText()).toContain('"city": "Boston"');

    await page.getByRole("link", { name: "InvitePartner" }).click();
    await send();
    await page.getByRole("link", { name: "AcceptInvitation" }).click();
    expect(await page.getByLabel("Invitation token").inputValue()).toMatch(/^\S{20,}$/);

    await page.getByRole("link", { name: "DeletePartner" }).click();
    await send();
    expect(await outcome()).toMatch(/^200 OK/);
  });

  test("sends a list of messages as JSON, and says where it is wrong", async () => {
    const { page, send, outcome } = await open();
    await page.getByRole("link", { name: "BatchCreatePartners" }).click();
    await send();
    expect(await outcome()).toMatch(/^200 OK/);
    const requests = page.getByLabel("Requests");
    await requests.fill((await requests.inputValue()).replace('"New York"', '""'));
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await page.getByText("requests[0].city").waitFor();
  });

  test("has the contract's access table", async () => {
    const { page } = await open();
    const rows = await page.getByRole("region", { name: "Access table" }).getByRole("row").all();
    const texts = await Promise.all(rows.map((row) => row.locator("th, td").allInnerTexts()));
    expect(
      texts.map((cells) =>
        cells.map((cell) => cell.replace(/^[✓✕✉]\n/, "").replace(/\s+/, " ")).join(" | "),
      ),
    ).toEqual([
      "RPC, and the scope it needs | Self | Host | Guest | Invited",
      "CreatePartner partners:write | allowed | refused | refused | refused",
      "BatchCreatePartners partners:write | allowed | refused | refused | refused",
      "GetPartner partners:read | allowed | allowed | refused | refused",
      "ListPartners partners:read | allowed | allowed | refused | refused",
      "ListPartnerChanges partners:read | allowed | allowed | refused | refused",
      "UpdatePartner partners:write | allowed | refused | refused | refused",
      "DeletePartner partners:write | allowed | refused | refused | refused",
      "InvitePartner partners:write | allowed | refused | refused | refused",
      "RevokeInvitation partners:write | allowed | refused | refused | refused",
      "GetInvitation partners:read | refused | with an invitation | with an invitation | with an invitation",
      "AcceptInvitation partners:write | refused | with an invitation | with an invitation | with an invitation",
      "ListConnections partners:read | allowed | refused | refused | refused",
      "EndConnection partners:write | allowed | refused | refused | refused",
    ]);
  });

  test("writes the call as the reference does, in four languages", async () => {
    const { page } = await open();
    const code = page.getByRole("tabpanel");
    expect(await code.innerText()).toContain('-H "Requester-Organization-ID: a1de0000-');
    const shown = [
      ["TypeScript", "await partners.createPartner({", "partnerType: PartnerType.CUSTOMER"],
      ["Go", "client.CreatePartner(ctx, &partnerv1.CreatePartnerRequest{", "grpc.NewClient("],
      ["Python", "stub.CreatePartner(", '("target-organization-id", "a1de0000-'],
    ] as const;
    for (const [language, ...texts] of shown) {
      await page.getByRole("tab", { selected: true }).press("ArrowRight");
      await page
        .getByRole("tab", { name: language, selected: true })
        .and(page.locator(":focus"))
        .waitFor();
      for (const text of texts) {
        expect(await code.innerText()).toContain(text);
      }
    }
  });

  test("asks nobody to send, or to work, who has not said who calls", async () => {
    const { page } = await open();
    const refusal = page.locator("#request .notice");
    await page.getByLabel("Guest").check();
    expect(await refusal.innerText()).toMatch(/whatever the form holds\. Send it to see how\.$/);
    await page.getByLabel("Organization").selectOption("Another one…");
    await page.getByLabel("Its UUID").fill("no UUID");
    expect(await refusal.innerText()).toMatch(/whatever the form holds\.$/);
    expect(await page.getByRole("button", { name: "Send", exact: true }).isDisabled()).toBe(true);
    await page.getByRole("link", { name: "Partner book" }).click();
    await page.getByText("Say who calls: whose token, and about whose book.").waitFor();
  });

  test("drops the answer to another call than the one that is shown, however late it comes", async () => {
    const { page, send, outcome } = await open();
    await page.getByRole("link", { name: "ListPartners" }).click();
    await send();
    expect(await outcome()).toMatch(/^200 OK/);
    const gone = async () => expect(await page.locator(".outcome").count()).toBe(0);
    await page.getByRole("radio", { name: "Invited" }).check();
    await gone();
    await send();
    expect(await outcome()).toMatch(/^403/);
    await page.getByRole("link", { name: "GetPartner" }).click();
    await gone();

    await page.getByLabel("Self").check();
    await page.getByRole("link", { name: "ListPartners" }).click();
    let answer = () => {};
    const asked = new Promise<void>((resolve) => {
      void page.route("**/ListPartners", async (route) => {
        await new Promise<void>((release) => {
          answer = release;
          resolve();
        });
        await route.continue();
      });
    });
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await asked;
    await page.getByLabel("Organization").selectOption("Dogwood Tools");
    const late = page.waitForResponse(/ListPartners$/);
    answer();
    await late;
    await page.unrouteAll();
    await send();
    expect(await page.locator(".answer .hint").innerText()).toBe(
      "ListPartners, called by Dogwood Tools about the book of Dogwood Tools",
    );
  });

  test("tells beside Send how the call ended, in sight and in a live region", async () => {
    for (const width of [360, 800, 1280, 1920]) {
      const { page } = await open({ viewport: { width, height: 740 } });
      await page.getByLabel("Company name").press("Control+Enter");
      const told = page.locator("#request footer").getByRole("status");
      await told.getByText("200 OK").waitFor();
      const box = await told.boundingBox();
      expect(box !== null && box.y >= 0 && box.y + box.height <= 740).toBe(true);
      await page.locator('[id="field-company_name"]:focus').waitFor();
      await page.getByRole("button", { name: "Show the answer" }).click();
      await page.locator("#answer-heading:focus").waitFor();
    }
  });

  test("keeps the focus on Send, and sends just what was typed", async () => {
    const { page } = await open();
    await page.getByLabel("Sales amount").fill("1.5");
    await page.getByRole("button", { name: "Send", exact: true }).press("Enter");
    await page.getByText("A field breaks a rule. Nothing was sent.").waitFor();
    const sent = page.waitForRequest(/CreatePartner$/);
    await page.getByRole("button", { name: "Send anyway" }).press("Enter");
    expect((await sent).postDataJSON()).toMatchObject({ salesAmount: 1.5 });
    await beside(page)
      .getByText(/^400 INVALID_ARGUMENT/)
      .waitFor();
    await page.getByLabel("Sales amount").fill("15");
    await page.getByRole("button", { name: "Send", exact: true }).press("Enter");
    await beside(page).getByText("200 OK").waitFor();
    await page.locator("button[type=submit]:focus").waitFor();
  });

  test("gets another token when the service refuses the one it has", async () => {
    const { page, send, outcome } = await open();
    let refused = 0;
    await page.route("**/CreatePartner", async (route) => {
      refused += 1;
      const headers = { ...route.request().headers(), authorization: "Bearer of.another.key" };
      await route.continue(refused === 1 ? { headers } : {});
    });
    await send();
    expect({ refused, outcome: await outcome() }).toEqual({
      refused: 2,
      outcome: expect.stringMatching(/^200 OK/),
    });
  });

  test("keeps the RPC, the organization and the scenario over a reload, and on the way back", async () => {
    const { page } = await open();
    await page.getByLabel("Organization").selectOption("Cedar Foods");
    await page.getByLabel("Host").check();
    await page.getByRole("link", { name: "GetPartner" }).click();
    await page.reload();
    await page.getByRole("heading", { name: "GetPartner" }).waitFor();
    await page.getByText("in the book of Dogwood Tools, as its host").waitFor();
    expect(await page.getByLabel("Host").isChecked()).toBe(true);
    await page.goBack();
    await page.getByRole("heading", { name: "CreatePartner", exact: true }).waitFor();
    await page.getByText("in the book of Dogwood Tools, as its host").waitFor();
  });

  test("takes back what was filled in at once, until something else is typed", async () => {
    const { page } = await open();
    const city = page.getByLabel("City");
    await city.fill("Oslo");
    await page.getByRole("button", { name: "Fill with examples" }).click();
    expect(await city.inputValue()).toBe("New York");
    await page.getByRole("button", { name: "Undo" }).click();
    expect(await city.inputValue()).toBe("Oslo");
    await page.getByRole("button", { name: "Clear" }).click();
    await city.fill("Bergen");
    expect(await page.getByRole("button", { name: "Undo" }).count()).toBe(0);
  });

  test("says that the service cannot be reached", async () => {
    const { page } = await open();
    await page.route("**/partner.v1.PartnerService/*", (route) => route.abort());
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await beside(page).getByText("UNKNOWN The service cannot be reached.").waitFor();
  });

  test("works with the keyboard alone", async () => {
    const { page } = await open();
    await page.keyboard.press("Tab");
    expect(await page.locator(":focus").innerText()).toBe("Skip to the content");
    await page.keyboard.press("Enter");
    await page.locator("main:focus").waitFor();
    for (let presses = 0; presses < 3; presses += 1) {
      await page.keyboard.press("Tab");
    }
    await page.locator('[id="field-company_name"]:focus').waitFor();
    await page.keyboard.press("Control+A");
    await page.keyboard.type("Keys & Sons");
    await page.keyboard.press("Enter");
    await beside(page).getByText("200 OK").waitFor();
    expect(new URL(page.url()).hash).toBe("#CreatePartner");
  });

  test("follows the person's colour scheme", async () => {
    const { page } = await open({ colorScheme: "dark" });
    const background = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const dark = await background();
    await page.emulateMedia({ colorScheme: "light" });
    expect([dark, await background()]).toEqual(["rgb(15, 18, 24)", "rgb(245, 246, 248)"]);
  });
});

/** What is told beside the form's button. */
function beside(page: Page): Locator {
  return page.locator("#request footer").getByRole("status");
}

/** What a screen reader says after the label. */
async function describedBy(control: ReturnType<ConsolePage["page"]["getByLabel"]>) {
  const ids = (await control.getAttribute("aria-describedby")) ?? "";
  const texts = ids.split(" ").map((id) => control.page().locator(`[id="${id}"]`).innerText());
  return (await Promise.all(texts)).join(" ").replaceAll(/\s+/g, " ").trim();
}
