import { expect, test } from "vitest";
import { describeConsole } from "./console-page.ts";

describeConsole("the console of a sandbox", (open) => {
  test("lets odd tokens and trouble be tried, and copies the token", async () => {
    const permissions = ["clipboard-read", "clipboard-write"];
    const { page, send, outcome } = await open({ permissions }, "ListPartners");
    await page.getByText("Try errors").click();
    const token = page.getByLabel(/^Token/);
    const scopes = page.getByLabel("Its scopes");
    const trouble = page.getByLabel("Every call is answered");

    await token.selectOption("has expired");
    await send();
    expect(await outcome()).toMatch(/^401 UNAUTHENTICATED ACCESS_TOKEN_EXPIRED/);
    await page.getByRole("button", { name: "Copy token" }).click();
    await page.getByText("Copied.").waitFor();
    const copied = await page.evaluate("navigator.clipboard.readText()");
    const [, payload = ""] = String(copied).split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
    expect(claims.exp - claims.iat).toBe(-60);

    await token.selectOption("good for 12 hours");
    await scopes.fill("partners:write");
    await send();
    expect(await outcome()).toMatch(/^403 PERMISSION_DENIED SCOPE_MISSING/);
    await scopes.fill("partners:read");

    await trouble.selectOption("OVERLOADED");
    await page.getByText("For all callers, and for ten minutes at most.").waitFor();
    await send();
    expect(await outcome()).toMatch(/^429 RESOURCE_EXHAUSTED OVERLOADED/);
    await trouble.selectOption("as usual");
    await page.getByText("All calls are answered as usual.").waitFor();
    await send();
    expect(await outcome()).toMatch(/^200 OK/);
  });

  test("offers the partner that was created last to the other RPCs", async () => {
    const { page, send } = await open();
    const created = async () => {
      await send();
      const { partner } = JSON.parse(await page.locator(".answer pre").innerText());
      return partner.id;
    };
    await created();
    const id = await created();
    await page.getByRole("link", { name: "InvitePartner" }).click();
    expect(await page.getByLabel("Id", { exact: true }).inputValue()).toBe(id);
  });
});
