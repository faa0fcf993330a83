"""Order exports as platforms write them: their real header rows, with rows that are made up."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import openpyxl

_TIKTOK = (
    "Order ID,Order Status,Order Substatus,Cancelation/Return Type,Normal or Pre-order,SKU ID,"
    "Seller SKU,Product Name,Variation,Quantity,Sku Quantity of return,SKU Unit Original Price,"
    "SKU Subtotal Before Discount,SKU Platform Discount,SKU Seller Discount,"
    "SKU Subtotal After Discount,Shipping Fee After Discount,Original Shipping Fee,"
    "Shipping Fee Seller Discount,Shipping Fee Platform Discount,Payment platform discount,Taxes,"
    "Order Amount,Order Refund Amount,Created Time,Paid Time,RTS Time,Shipped Time,Delivered Time,"
    "Cancelled Time,Cancel By,Cancel Reason,Fulfillment Type,Warehouse Name,Tracking ID,"
    "Delivery Option,Shipping Provider Name,Buyer Message,Buyer Username,Recipient,Phone #,Country,"
    "Province,District,Commune,Detail Address,Additional address information,Payment Method,"
    "Weight(kg),Product Category,Package ID,Seller Note,Checked Status,Checked Marked by"
)
TIKTOK = _TIKTOK.split(",")
_US = (
    "Buyer Nickname,Zipcode,Recipient,Phone #,State,City,Address Line 1,Address Line 2,"
    "Delivery Instruction,Shipping Information"
)
TIKTOK_US = [
    *TIKTOK[: TIKTOK.index("Buyer Username")],
    *_US.split(","),
    *TIKTOK[TIKTOK.index("Payment Method") :],
]
_SHOPIFY = (
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,"
    "Currency,Subtotal,Shipping,Taxes,Total,Discount Code,Discount Amount,Shipping Method,"
    "Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem compare at price,"
    "Lineitem sku,Lineitem requires shipping,Lineitem taxable,Lineitem fulfillment status,"
    "Billing Name,Billing Street,Billing Address1,Billing Address2,Billing Company,Billing City,"
    "Billing Zip,Billing Province,Billing Country,Billing Phone,Shipping Name,Shipping Street,"
    "Shipping Address1,Shipping Address2,Shipping Company,Shipping City,Shipping Zip,"
    "Shipping Province,Shipping Country,Shipping Phone,Notes,Note Attributes,Cancelled at,"
    "Payment Method,Payment Reference,Refunded Amount,Vendor,Outstanding Balance,Employee,Location,"
    "Device ID,Id,Tags,Risk Level,Source,Lineitem discount,Tax 1 Name,Tax 1 Value,Tax 2 Name,"
    "Tax 2 Value,Tax 3 Name,Tax 3 Value,Tax 4 Name,Tax 4 Value,Tax 5 Name,Tax 5 Value,Phone,"
    "Receipt Number,Duties,Billing Province Name,Shipping Province Name,Payment ID,"
    "Payment Terms Name,Next Payment Due At,Payment References"
)
SHOPIFY = _SHOPIFY.split(",")
_AMAZON_NEW = (
    "order-id order-item-id purchase-date payments-date buyer-email buyer-name buyer-phone-number "
    "sku product-name quantity-purchased currency item-price item-tax shipping-price shipping-tax "
    "ship-service-level recipient-name ship-address-1 ship-address-2 ship-address-3 ship-city "
    "ship-state ship-postal-code ship-country ship-phone-number delivery-start-date "
    "delivery-end-date delivery-time-zone delivery-Instructions sales-channel"
)
AMAZON_NEW = _AMAZON_NEW.split()
_AMAZON_UNSHIPPED = (
    "order-id order-item-id purchase-date payments-date reporting-date promise-date "
    "days-past-promise buyer-email buyer-name buyer-phone-number sku product-name "
    "quantity-purchased quantity-shipped quantity-to-ship ship-service-level recipient-name "
    "ship-address-1 ship-address-2 ship-address-3 ship-city ship-state ship-postal-code "
    "ship-country is-business-order purchase-order-number price-designation is-iba "
    "verge-of-cancellation verge-of-lateShipment"
)
AMAZON_UNSHIPPED = _AMAZON_UNSHIPPED.split()
_AFTERSHIP = "tracking_number,courier,order_id,title,order_path,origin_country"
AFTERSHIP = _AFTERSHIP.split(",")
_TAOBAO = (
    "订单编号,买家会员名,买家支付宝账号,买家应付货款,买家应付邮费,买家支付积分,总金额,返点积分,"
    "买家实际支付金额,买家实际支付积分,订单状态,买家留言,收货人姓名,收货地址,运送方式,联系电话,联系手机,"
    "订单创建时间,订单付款时间,宝贝标题,宝贝种类,物流单号,物流公司,订单备注,宝贝总数量,分销商Id,"
    "分销商店铺名称,订单关闭原因,卖家服务费,买家服务费,发票抬头,定金排名,修改后的sku,修改后的收货地址,"
    "异常信息,卡券抵扣,积分抵扣,是否是O2O交易"
)
TAOBAO = _TAOBAO.split(",")
DESCRIBED = {
    "Order ID": "Platform unique order ID.",
    "Order Status": "Current order status.",
    "SKU ID": "Platform unique SKU ID.",
    "Order Amount": "It equals SKU Subtotal After Discount + Shipping Fee After Discount.",
}
"""The second row of an export of TikTok Shop."""

Row = Mapping[str, str]


def cells(header: Sequence[str], rows: Iterable[Row]) -> list[list[str]]:
    """The header and the rows, each with a cell for every column."""
    return [list(header), *([row.get(name, "") for name in header] for row in rows)]


def text(header: Sequence[str], rows: Iterable[Row], delimiter: str = ",") -> str:
    """The same as a text."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(cells(header, rows))
    return out.getvalue()


def tiktok(rows: Iterable[Row], header: Sequence[str] = TIKTOK) -> str:
    """As TikTok Shop writes it: ids and times end with a TAB, and the second row describes."""
    tabbed = ("Order ID", "SKU ID", "Tracking ID", "Package ID", "Phone #")
    told = [
        {
            name: f"{value}\t" if name in tabbed or name.endswith("Time") else value
            for name, value in row.items()
        }
        for row in rows
    ]
    return "\ufeff" + text(header, [DESCRIBED, *told])


def xlsx(path: Path, rows: Iterable[Sequence[object]], *more: Iterable[Sequence[object]]) -> Path:
    """A workbook with a sheet for each table."""
    book = openpyxl.Workbook(write_only=True)
    for table in (rows, *more):
        sheet = book.create_sheet()
        for row in table:
            sheet.append(list(row))
    book.save(path)
    return path
