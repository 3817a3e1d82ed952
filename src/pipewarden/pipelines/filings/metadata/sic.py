"""Names of Standard Industrial Classification codes, as EDGAR assigns them to filers.

Only codes in common use; an unknown code has no name here, and the SGML header's own name wins.
"""

from __future__ import annotations

import functools

_NAMES = """
0100 Agricultural Production-Crops
0200 Agricultural Production-Livestock & Animal Specialties
0700 Agricultural Services
0800 Forestry
0900 Fishing, Hunting & Trapping
1000 Metal Mining
1040 Gold & Silver Ores
1090 Miscellaneous Metal Ores
1220 Bituminous Coal & Lignite Mining
1311 Crude Petroleum & Natural Gas
1381 Drilling Oil & Gas Wells
1382 Oil & Gas Field Exploration Services
1389 Oil & Gas Field Services, NEC
1400 Mining & Quarrying of Nonmetallic Minerals (No Fuels)
1531 Operative Builders
1600 Heavy Construction Other Than Building Construction-Contractors
1623 Water, Sewer, Pipeline, Communication & Power Line Construction
1700 Construction-Special Trade Contractors
1731 Electrical Work
2000 Food & Kindred Products
2011 Meat Packing Plants
2013 Sausages & Other Prepared Meat Products
2015 Poultry Slaughtering & Processing
2020 Dairy Products
2024 Ice Cream & Frozen Desserts
2030 Canned, Frozen & Preserved Fruit, Vegetables & Food Specialties
2033 Canned Fruits, Vegetables, Preserves, Jams & Jellies
2040 Grain Mill Products
2050 Bakery Products
2052 Cookies & Crackers
2060 Sugar & Confectionery Products
2070 Fats & Oils
2080 Beverages
2082 Malt Beverages
2086 Bottled & Canned Soft Drinks & Carbonated Waters
2090 Miscellaneous Food Preparations & Kindred Products
2100 Tobacco Products
2111 Cigarettes
2200 Textile Mill Products
2300 Apparel & Other Finished Products of Fabrics & Similar Material
2421 Sawmills & Planing Mills, General
2430 Millwood, Veneer, Plywood & Structural Wood Members
2451 Mobile Homes
2510 Household Furniture
2520 Office Furniture
2600 Papers & Allied Products
2611 Pulp Mills
2621 Paper Mills
2631 Paperboard Mills
2650 Paperboard Containers & Boxes
2711 Newspapers: Publishing or Publishing & Printing
2721 Periodicals: Publishing or Publishing & Printing
2731 Books: Publishing or Publishing & Printing
2750 Commercial Printing
2800 Chemicals & Allied Products
2810 Industrial Inorganic Chemicals
2820 Plastic Material, Synthetic Resin/Rubber, Cellulosic (No Glass)
2821 Plastic Materials, Synthetic Resins & Nonvulcan Elastomers
2833 Medicinal Chemicals & Botanical Products
2834 Pharmaceutical Preparations
2835 In Vitro & In Vivo Diagnostic Substances
2836 Biological Products (No Diagnostic Substances)
2840 Soap, Detergents, Cleaning Preparations, Perfumes, Cosmetics
2844 Perfumes, Cosmetics & Other Toilet Preparations
2851 Paints, Varnishes, Lacquers, Enamels & Allied Products
2860 Industrial Organic Chemicals
2870 Agricultural Chemicals
2890 Miscellaneous Chemical Products
2911 Petroleum Refining
3011 Tires & Inner Tubes
3021 Rubber & Plastics Footwear
3060 Fabricated Rubber Products, NEC
3080 Miscellaneous Plastics Products
3089 Plastics Products, NEC
3140 Footwear (No Rubber)
3211 Flat Glass
3221 Glass Containers
3241 Cement, Hydraulic
3290 Abrasive, Asbestos & Miscellaneous Nonmetallic Mineral Products
3310 Steel Works, Blast Furnaces & Rolling & Finishing Mills
3312 Steel Works, Blast Furnaces & Rolling Mills (Coke Ovens)
3317 Steel Pipe & Tubes
3330 Primary Smelting & Refining of Nonferrous Metals
3334 Primary Production of Aluminum
3350 Rolling Drawing & Extruding of Nonferrous Metals
3411 Metal Cans
3420 Cutlery, Handtools & General Hardware
3440 Fabricated Structural Metal Products
3490 Miscellaneous Fabricated Metal Products
3510 Engines & Turbines
3523 Farm Machinery & Equipment
3530 Construction, Mining & Materials Handling Machinery & Equipment
3531 Construction Machinery & Equipment
3533 Oil & Gas Field Machinery & Equipment
3559 Special Industry Machinery, NEC
3560 General Industrial Machinery & Equipment
3561 Pumps & Pumping Equipment
3569 General Industrial Machinery & Equipment, NEC
3570 Computer & Office Equipment
3571 Electronic Computers
3572 Computer Storage Devices
3576 Computer Communications Equipment
3577 Computer Peripheral Equipment, NEC
3578 Calculating & Accounting Machines (No Electronic Computers)
3585 Air-Conditioning & Warm Air Heating Equipment & Commercial & Industrial Refrigeration Equipment
3600 Electronic & Other Electrical Equipment (No Computer Equipment)
3620 Electrical Industrial Apparatus
3630 Household Appliances
3651 Household Audio & Video Equipment
3661 Telephone & Telegraph Apparatus
3663 Radio & TV Broadcasting & Communications Equipment
3669 Communications Equipment, NEC
3670 Electronic Components & Accessories
3672 Printed Circuit Boards
3674 Semiconductors & Related Devices
3678 Electronic Connectors
3679 Electronic Components, NEC
3690 Miscellaneous Electrical Machinery, Equipment & Supplies
3711 Motor Vehicles & Passenger Car Bodies
3713 Truck & Bus Bodies
3714 Motor Vehicle Parts & Accessories
3716 Motor Homes
3720 Aircraft & Parts
3721 Aircraft
3724 Aircraft Engines & Engine Parts
3728 Aircraft Parts & Auxiliary Equipment, NEC
3730 Ship & Boat Building & Repairing
3743 Railroad Equipment
3751 Motorcycles, Bicycles & Parts
3760 Guided Missiles & Space Vehicles & Parts
3790 Miscellaneous Transportation Equipment
3812 Search, Detection, Navigation, Guidance, Aeronautical Systems
3823 Industrial Instruments for Measurement, Display, and Control
3825 Instruments for Measuring & Testing of Electricity & Electrical Signals
3826 Laboratory Analytical Instruments
3827 Optical Instruments & Lenses
3829 Measuring & Controlling Devices, NEC
3841 Surgical & Medical Instruments & Apparatus
3842 Orthopedic, Prosthetic & Surgical Appliances & Supplies
3843 Dental Equipment & Supplies
3844 X-Ray Apparatus & Tubes & Related Irradiation Apparatus
3845 Electromedical & Electrotherapeutic Apparatus
3851 Ophthalmic Goods
3861 Photographic Equipment & Supplies
3911 Jewelry, Precious Metal
3944 Games, Toys & Children's Vehicles (No Dolls & Bicycles)
3949 Sporting & Athletic Goods, NEC
3990 Miscellaneous Manufacturing Industries
4011 Railroads, Line-Haul Operating
4210 Trucking & Courier Services (No Air)
4213 Trucking (No Local)
4400 Water Transportation
4412 Deep Sea Foreign Transportation of Freight
4512 Air Transportation, Scheduled
4513 Air Courier Services
4522 Air Transportation, Nonscheduled
4581 Airports, Flying Fields & Airport Terminal Services
4610 Pipe Lines (No Natural Gas)
4700 Transportation Services
4731 Arrangement of Transportation of Freight & Cargo
4812 Radiotelephone Communications
4813 Telephone Communications (No Radiotelephone)
4822 Telegraph & Other Message Communications
4832 Radio Broadcasting Stations
4833 Television Broadcasting Stations
4841 Cable & Other Pay Television Services
4899 Communications Services, NEC
4900 Electric, Gas & Sanitary Services
4911 Electric Services
4922 Natural Gas Transmission
4923 Natural Gas Transmission & Distribution
4924 Natural Gas Distribution
4931 Electric & Other Services Combined
4932 Gas & Other Services Combined
4941 Water Supply
4953 Refuse Systems
4955 Hazardous Waste Management
4991 Cogeneration Services & Small Power Producers
5000 Wholesale-Durable Goods
5010 Wholesale-Motor Vehicles & Motor Vehicle Parts & Supplies
5045 Wholesale-Computers & Peripheral Equipment & Software
5047 Wholesale-Medical, Dental & Hospital Equipment & Supplies
5051 Wholesale-Metals Service Centers & Offices
5065 Wholesale-Electronic Parts & Equipment, NEC
5122 Wholesale-Drugs, Proprietaries & Druggists' Sundries
5140 Wholesale-Groceries & Related Products
5141 Wholesale-Groceries, General Line
5160 Wholesale-Chemicals & Allied Products
5172 Wholesale-Petroleum & Petroleum Products (No Bulk Stations)
5200 Retail-Building Materials, Hardware, Garden Supply
5211 Retail-Lumber & Other Building Materials Dealers
5311 Retail-Department Stores
5331 Retail-Variety Stores
5411 Retail-Grocery Stores
5412 Retail-Convenience Stores
5500 Retail-Auto Dealers & Gasoline Stations
5531 Retail-Auto & Home Supply Stores
5600 Retail-Apparel & Accessory Stores
5621 Retail-Women's Clothing Stores
5651 Retail-Family Clothing Stores
5661 Retail-Shoe Stores
5700 Retail-Home Furniture, Furnishings & Equipment Stores
5712 Retail-Furniture Stores
5731 Retail-Radio, TV & Consumer Electronics Stores
5734 Retail-Computer & Computer Software Stores
5810 Retail-Eating & Drinking Places
5812 Retail-Eating Places
5900 Retail-Miscellaneous Retail
5912 Retail-Drug Stores & Proprietary Stores
5940 Retail-Miscellaneous Shopping Goods Stores
5944 Retail-Jewelry Stores
5945 Retail-Hobby, Toy & Game Shops
5961 Retail-Catalog & Mail-Order Houses
6021 National Commercial Banks
6022 State Commercial Banks
6029 Commercial Banks, NEC
6035 Savings Institution, Federally Chartered
6036 Savings Institutions, Not Federally Chartered
6099 Functions Related to Depository Banking, NEC
6111 Federal & Federally-Sponsored Credit Agencies
6141 Personal Credit Institutions
6153 Short-Term Business Credit Institutions
6159 Miscellaneous Business Credit Institution
6162 Mortgage Bankers & Loan Correspondents
6163 Loan Brokers
6189 Asset-Backed Securities
6199 Finance Services
6200 Security & Commodity Brokers, Dealers, Exchanges & Services
6211 Security Brokers, Dealers & Flotation Companies
6221 Commodity Contracts Brokers & Dealers
6282 Investment Advice
6311 Life Insurance
6321 Accident & Health Insurance
6324 Hospital & Medical Service Plans
6331 Fire, Marine & Casualty Insurance
6351 Surety Insurance
6361 Title Insurance
6399 Insurance Carriers, NEC
6411 Insurance Agents, Brokers & Service
6500 Real Estate
6510 Real Estate Operators (No Developers) & Lessors
6512 Operators of Nonresidential Buildings
6513 Operators of Apartment Buildings
6531 Real Estate Agents & Managers (For Others)
6552 Land Subdividers & Developers (No Cemeteries)
6770 Blank Checks
6792 Oil Royalty Traders
6794 Patent Owners & Lessors
6798 Real Estate Investment Trusts
6799 Investors, NEC
7011 Hotels & Motels
7200 Services-Personal Services
7310 Services-Advertising
7311 Services-Advertising Agencies
7320 Services-Consumer Credit Reporting, Collection Agencies
7340 Services-To Dwellings & Other Buildings
7350 Services-Miscellaneous Equipment Rental & Leasing
7359 Services-Equipment Rental & Leasing, NEC
7361 Services-Employment Agencies
7363 Services-Help Supply Services
7370 Services-Computer Programming, Data Processing, Etc.
7371 Services-Computer Programming Services
7372 Services-Prepackaged Software
7373 Services-Computer Integrated Systems Design
7374 Services-Computer Processing & Data Preparation
7381 Services-Detective, Guard & Armored Car Services
7389 Services-Business Services, NEC
7510 Services-Auto Rental & Leasing (No Drivers)
7812 Services-Motion Picture & Video Tape Production
7830 Services-Motion Picture Theaters
7841 Services-Video Tape Rental
7900 Services-Amusement & Recreation Services
7948 Services-Racing, Including Track Operation
7990 Services-Miscellaneous Amusement & Recreation
8000 Services-Health Services
8011 Services-Offices & Clinics of Doctors of Medicine
8050 Services-Nursing & Personal Care Facilities
8060 Services-Hospitals
8062 Services-General Medical & Surgical Hospitals, NEC
8071 Services-Medical Laboratories
8082 Services-Home Health Care Services
8090 Services-Misc Health & Allied Services, NEC
8093 Services-Specialty Outpatient Facilities, NEC
8111 Services-Legal Services
8200 Services-Educational Services
8300 Services-Social Services
8351 Services-Child Day Care Services
8700 Services-Engineering, Accounting, Research, Management
8711 Services-Engineering Services
8731 Services-Commercial Physical & Biological Research
8734 Services-Testing Laboratories
8741 Services-Management Services
8742 Services-Management Consulting Services
8744 Services-Facilities Support Management Services
9995 Non-Operating Establishments
"""


@functools.cache
def _table() -> dict[str, str]:
    rows = (line.split(" ", 1) for line in _NAMES.strip().splitlines())
    return dict(row for row in rows if len(row) == 2)


def sic_name(code: str) -> str | None:
    """Return the name of a four-digit SIC code, or None when it is not in common use."""
    return _table().get(code)
